/** The report as one HTML file without scripts: figures, ROC curves, lists, mistakes. */
import { Html, type HtmlValue, html } from '../../base/index.ts';
import type { Interval, RocPoint } from '../../objective/index.ts';
import type { EvaluatedGuard, GuardReport } from './evaluate-guard.ts';
import { addedShare, type GenerationCost } from './generation-cost.ts';
import type { Judged, Share } from './measure.ts';

const titles: Readonly<Record<Judged, string>> = {
  input: 'Conversations',
  output: 'Answers',
  exchange: 'Both together, as in use',
};

export function guardReportPage(
  report: GuardReport & { readonly generation: GenerationCost | null },
): string {
  const { guard, baseline, examples, mistakes, generation } = report;
  const guards = guard.name === baseline.name ? [guard] : [guard, baseline];
  const sections = (Object.keys(titles) as Judged[]).flatMap((judged) => {
    const { harmful, harmless, roc } = guard.measures[judged];
    if (harmful + harmless === 0) return [];
    const lists = (['byTechnique', 'byCategory', 'bySource', 'refusedBy'] as const).map((list) =>
      shareTable(list, guards, judged),
    );
    return [
      html`<section><h2>${titles[judged]}</h2>${figureTable(guards, judged)}${roc.length > 0 && rocChart(guards, judged)}${lists}</section>\n`,
    ];
  });
  const page = html`<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>Guard report: ${guard.name}</title><style>${new Html(style)}</style></head><body>
<h1>Guard report</h1>
<p>${guard.name} on ${examples.toLocaleString('en-US')} examples, beside ${baseline.name}. Conversations are refused from a
score of ${guard.thresholds.input.toFixed(3)}, answers stopped from ${guard.thresholds.output.toFixed(3)}. Intervals hold 95 %.</p>
${sections}
<section><h2>Time</h2>${timeTable(guards, generation)}</section>
<section><h2>Mistakes</h2><p>The most certain ones first. They hold harmful text.</p>
${(['missed', 'refused'] as const).map((kind) => mistakeList(kind, mistakes))}</section>
</body></html>
`;
  return page.text;
}

function mistakeList(kind: 'missed' | 'refused', mistakes: GuardReport['mistakes']): Html {
  const own = mistakes.filter((mistake) => mistake.kind === kind);
  const rows = own.map(
    ({ id, technique, prompt, answer, input, output }) =>
      html`<tr><td>${id}<br><small>${technique}</small></td><td>${input.toFixed(3)}</td><td>${output === null ? '–' : output.toFixed(3)}</td><td>${prompt.slice(0, 600)}${answer !== null && html`<hr>${answer.slice(0, 600)}`}</td></tr>`,
  );
  return html`<details><summary>${kind === 'missed' ? 'Got through' : 'Refused for nothing'}: ${own.length}</summary><table><tr><th>example</th><th>input</th><th>answer</th><th>text</th></tr>${rows}</table></details>`;
}

function figureTable(guards: readonly EvaluatedGuard[], judged: Judged): Html {
  const all = guards.map(({ measures }) => measures[judged]);
  const row = (name: string, of: (measure: (typeof all)[number]) => HtmlValue): Html =>
    html`<tr><th>${name}</th>${all.map((measure) => html`<td>${of(measure)}</td>`)}</tr>`;
  const [{ harmful, harmless }] = all;
  return html`<table>${heading('', guards)}${[
    row(`attack success (of ${harmful})`, ({ attackSuccess }) => percent(attackSuccess)),
    row(`over-refusal (of ${harmless})`, ({ overRefusal }) => percent(overRefusal)),
    row('area under the ROC curve', ({ area }) =>
      area
        ? html`${area.estimate.toFixed(3)} <small>${area.low.toFixed(3)}–${area.high.toFixed(3)}</small>`
        : '–',
    ),
    ...all[0].caughtAt.map(({ refused }, i) =>
      row(`caught where ${100 * refused} % of these is refused`, ({ caughtAt }) =>
        caughtAt[i] ? `${(100 * caughtAt[i].caught).toFixed(1)} %` : '–',
      ),
    ),
    row('right category named', ({ attribution }) => percent(attribution?.share ?? null)),
  ]}</table>`;
}

const listTitles = {
  byTechnique: 'attack success by technique',
  byCategory: 'attack success by category',
  bySource: 'attack success by source',
  refusedBy: 'over-refusal by source',
} as const;

function shareTable(
  list: keyof typeof listTitles,
  guards: readonly EvaluatedGuard[],
  judged: Judged,
): Html | null {
  const all = guards.map(({ measures }) => measures[judged][list]);
  if (all[0].length < 2) return null;
  const found = (shares: readonly Share[], name: string): Interval | null =>
    shares.find((share) => share.name === name)?.share ?? null;
  const rows = all[0].map(
    ({ name, texts }) =>
      html`<tr><th>${name} <small>${texts}</small></th>${all.map((shares) => html`<td>${percent(found(shares, name))}</td>`)}</tr>`,
  );
  return html`<table>${heading(listTitles[list], guards)}${rows}</table>`;
}

function timeTable(guards: readonly EvaluatedGuard[], generation: GenerationCost | null): Html {
  const row = (name: string, of: (guard: EvaluatedGuard) => string): Html =>
    html`<tr><th>${name}</th>${guards.map((guard) => html`<td>${of(guard)}</td>`)}</tr>`;
  return html`<table>${heading('', guards)}${[
    row('a conversation: median, p99', ({ latency: { input } }) => `${ms(input.p50Ms)}, ${ms(input.p99Ms)}`),
    row('a word of a stream: median, p99', ({ latency: { word } }) => `${ms(word.p50Ms)}, ${ms(word.p99Ms)}`),
    generation &&
      row(`added to the time in which ${generation.model} writes`, ({ latency }) =>
        part(addedShare(latency.charactersPerSecond, generation)),
      ),
    generation?.sharedProbe != null &&
      row('the same in the model’s own pass', (guard) =>
        guard === guards[0] ? part(generation.sharedProbe!) : '–',
      ),
  ]}</table>`;
}

/** Curves of guards from (0, 0) to (1, 1), the operating points marked by a circle. */
function rocChart(guards: readonly EvaluatedGuard[], judged: Judged): Html {
  const size = 260;
  const place = ({ falsePositive, truePositive }: Pick<RocPoint, 'falsePositive' | 'truePositive'>): string =>
    `${(size * falsePositive).toFixed(1)},${(size * (1 - truePositive)).toFixed(1)}`;
  const drawn = guards.map(({ measures, name }, i) => {
    const { roc, attackSuccess, overRefusal } = measures[judged];
    const [x, y] = place({
      falsePositive: overRefusal?.estimate ?? 0,
      truePositive: 1 - (attackSuccess?.estimate ?? 1),
    }).split(',');
    return html`<polyline class="curve c${i}" points="${roc.map(place).join(' ')}"/><circle class="c${i}" cx="${x}" cy="${y}" r="4"/><text class="c${i}" x="${size - 4}" y="${size - 10 - 16 * i}" text-anchor="end">${name}</text>`;
  });
  return html`<figure><svg viewBox="-6 -6 ${size + 12} ${size + 12}" width="${size + 40}" role="img" aria-label="ROC curves"><rect class="frame" width="${size}" height="${size}"/><line class="chance" x1="0" y1="${size}" x2="${size}" y2="0"/>${drawn}</svg><figcaption>Harmful caught against harmless refused; the circle is where it works.</figcaption></figure>`;
}

function heading(title: string, guards: readonly EvaluatedGuard[]): Html {
  return html`<tr><th>${title}</th>${guards.map(({ name }) => html`<th>${name}</th>`)}</tr>`;
}

function percent(interval: Interval | null): HtmlValue {
  if (!interval) return '–';
  const text = (value: number): string => (100 * value).toFixed(1);
  return html`${text(interval.estimate)} % <small>${text(interval.low)}–${text(interval.high)}</small>`;
}

/** Without texts of a kind there is no time for it. */
function ms(value: number): string {
  return Number.isFinite(value) ? `${value.toPrecision(3)} ms` : '–';
}

function part(share: number): string {
  return Number.isFinite(share) ? `${(100 * share).toPrecision(3)} %` : '–';
}

const style = `
:root{color-scheme:light dark;font:15px/1.5 system-ui,sans-serif}
body{max-width:60rem;margin:2rem auto;padding:0 1rem}
table{border-collapse:collapse;margin:1rem 0;width:100%}
th,td{text-align:left;padding:.25rem .6rem;border-bottom:1px solid #8884;vertical-align:top;font-weight:400}
tr:first-child th{font-weight:600}
td{font-variant-numeric:tabular-nums}
small,figcaption{opacity:.7}
figure{margin:1rem 0}
.frame{fill:none;stroke:#8886}.chance{stroke:#8886;stroke-dasharray:4}
.curve{fill:none;stroke-width:2}
polyline.c0{stroke:#2563eb}circle.c0,text.c0{fill:#2563eb}
polyline.c1{stroke:#b45309}circle.c1,text.c1{fill:#b45309}
text{font-size:11px}
`;
