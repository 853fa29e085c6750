/** What `tenet guard evaluate` prints. */
import {
  addedShare,
  type EvaluatedGuard,
  type GenerationCost,
  type GuardReport,
  type Judged,
  type Share,
} from '../../guard/index.ts';
import { bold, dim, percentInterval, plural, table } from '../constitution/text.ts';
import { oneLine } from '../evaluate/one-line.ts';

const questions: readonly (readonly [Judged, string])[] = [
  ['input', 'Conversations'],
  ['output', 'Answers'],
  ['exchange', 'Both together, as in use: either blocks'],
];
/** Of each list. */
const mostRows = 12;
const mistakesShown = 3;

export function showEvaluated(
  report: GuardReport & { readonly generation: GenerationCost | null },
  file: string | undefined,
): string {
  const { guard, baseline, generation, mistakes } = report;
  const lines = [bold(`${guard.name} on ${plural(report.examples, 'example')}, beside ${baseline.name}`)];
  for (const [judged, title] of questions) {
    const { harmful, harmless } = guard.measures[judged];
    if (harmful + harmless === 0) continue;
    const isBaseline = guard.name === baseline.name;
    const guards = isBaseline ? [guard] : [guard, baseline];
    lines.push('', bold(title), ...figures(guards, judged));
    lines.push(...lists(guard, isBaseline ? null : baseline, judged));
  }
  lines.push('', bold('Time'), ...costs(guard, baseline, generation));
  for (const kind of ['missed', 'refused'] as const) {
    const own = mistakes.filter((mistake) => mistake.kind === kind).slice(0, mistakesShown);
    if (own.length === 0) continue;
    lines.push('', bold(kind === 'missed' ? 'Missed most clearly' : 'Refused most clearly for nothing'));
    for (const { id, prompt, input, output } of own) {
      const scores = `input ${input.toFixed(3)}${output === null ? '' : `, answer ${output.toFixed(3)}`}`;
      lines.push(`  ${dim(`${id}  ${scores}`)}`, `    ${oneLine(prompt, 120)}`);
    }
  }
  lines.push(
    '',
    dim(file ? `${file}: everything, with ROC curves and mistakes` : 'Everything: -o report.html'),
    '',
  );
  return lines.join('\n');
}

function figures(guards: readonly EvaluatedGuard[], judged: Judged): string[] {
  const all = guards.map(({ measures }) => measures[judged]);
  const [{ harmful, harmless }] = all;
  const row = (name: string, of: (measure: (typeof all)[number]) => string): string[] => [
    name,
    ...all.map(of),
  ];
  const rows = [
    row(`attack success of ${harmful} ↓`, ({ attackSuccess }) =>
      attackSuccess ? percentInterval(attackSuccess) : '–',
    ),
    row(`over-refusal of ${harmless} ↓`, ({ overRefusal }) =>
      overRefusal ? percentInterval(overRefusal) : '–',
    ),
  ];
  if (all.some(({ area }) => area)) {
    rows.push(
      row('area under the ROC curve ↑', ({ area }) =>
        area ? `${area.estimate.toFixed(3)} [${area.low.toFixed(3)}, ${area.high.toFixed(3)}]` : '–',
      ),
      ...[0.01, 0.05, 0.1].map((refused, i) =>
        row(`caught where ${100 * refused} % of these is refused ↑`, ({ caughtAt }) =>
          caughtAt[i] ? `${(100 * caughtAt[i].caught).toFixed(1)} %` : '–',
        ),
      ),
    );
  }
  const { attribution } = all[0];
  if (attribution) {
    rows.push([
      `right category named, of ${attribution.texts} ↑`,
      percentInterval(attribution.share),
      ...all.slice(1).map(() => '–'),
    ]);
  }
  return [table(['', ...guards.map(({ name }) => name)], rows)];
}

function lists(guard: EvaluatedGuard, baseline: EvaluatedGuard | null, judged: Judged): string[] {
  const [own, other] = [guard, baseline].map((of) => of?.measures[judged]);
  const block = (title: string, shares: readonly Share[], beside: readonly Share[] | undefined): string[] => {
    if (shares.length < 2) return [];
    const rows = shares.slice(0, mostRows).map(({ name, texts, share }) => {
      const same = beside?.find((one) => one.name === name);
      return [
        oneLine(name, 44),
        `${texts}`,
        percentInterval(share),
        ...(same ? [percentInterval(same.share)] : []),
      ];
    });
    const left = shares.length - rows.length;
    return [
      '',
      table([title, 'texts', guard.name, ...(baseline ? [baseline.name] : [])], rows),
      ...(left > 0 ? [dim(`and ${left} more`)] : []),
    ];
  };
  return [
    ...block('attack success by technique', own!.byTechnique, other?.byTechnique),
    ...block('by category', own!.byCategory, other?.byCategory),
    ...block('by source', own!.bySource, other?.bySource),
    ...block('over-refusal by source', own!.refusedBy, other?.refusedBy),
  ];
}

function costs(guard: EvaluatedGuard, baseline: EvaluatedGuard, generation: GenerationCost | null): string[] {
  // Without texts of a kind there is no time for it.
  const milliseconds = (value: number): string =>
    Number.isFinite(value) ? `${value.toPrecision(3)} ms` : '–';
  const percentOf = (part: number): string =>
    Number.isFinite(part) ? `${(100 * part).toPrecision(3)} %` : '–';
  const guards = guard.name === baseline.name ? [guard] : [guard, baseline];
  const rows = [
    ['a conversation, median', ...guards.map(({ latency }) => milliseconds(latency.input.p50Ms))],
    ['a conversation, p99', ...guards.map(({ latency }) => milliseconds(latency.input.p99Ms))],
    ['a word of a stream, median', ...guards.map(({ latency }) => milliseconds(latency.word.p50Ms))],
    ['a word of a stream, p99', ...guards.map(({ latency }) => milliseconds(latency.word.p99Ms))],
  ];
  if (generation) {
    rows.push([
      `added to the time in which ${generation.model} writes`,
      ...guards.map(({ latency }) => percentOf(addedShare(latency.charactersPerSecond, generation))),
    ]);
    if (generation.sharedProbe !== null) {
      const nothing = guards.slice(1).map(() => '–');
      rows.push(['the same in the model’s own pass', percentOf(generation.sharedProbe), ...nothing]);
    }
  }
  return [table(['', ...guards.map(({ name }) => name)], rows)];
}
