/** Prints what `checkFile` found. */
import type { CheckProblem, FileReport } from './check-file.ts';
import { formatProblems } from './problem.ts';
import type { LengthSummary } from './quantiles.ts';
import { FORMAT_TITLES } from './record.ts';

/**
 * The report as plain text for a terminal.
 * @param options.problems how many problems of each kind to print. Default all that were kept.
 */
export function formatReport(report: FileReport, options: { problems?: number } = {}): string {
  const { lengths, unit } = report;
  const examples = lengths.whole.count;
  const style =
    report.conversational === 0
      ? 'texts'
      : report.conversational === examples
        ? 'conversations'
        : 'texts and conversations';
  const lines = [
    report.file,
    `  format     ${report.format ? FORMAT_TITLES[report.format] : 'none: the file has no rows'}, ${style} (${report.container})`,
    `  rows       ${number(report.rows)}${report.badRows > 0 ? `, ${number(report.badRows)} of them bad` : ''}`,
    '',
    `  ${`length in ${unit}`.padEnd(24)}${['min', 'median', 'p90', 'max', 'sum'].map((name) => name.padStart(11)).join('')}`,
  ];
  if (report.container === 'text' && report.format === 'language-modeling') {
    lines.splice(
      3,
      0,
      '             (blocks of text; if each line is a prompt, read it with the format prompt-only)',
    );
  }
  const row = (name: string, s: LengthSummary) => {
    if (s.count === 0) return;
    const cells = [s.min, s.median, s.p90, s.max, s.sum].map((value) => number(value).padStart(11));
    lines.push(`    ${name.padEnd(22)}${cells.join('')}`);
  };
  row('prompt', lengths.prompt);
  row(lengths.prompt.count > 0 ? 'response' : 'text', lengths.response);
  if (lengths.prompt.count > 0 && lengths.response.count > 0) row('prompt + response', lengths.whole);
  if (report.truncation) {
    const { maxLength, tooLong, responseLost } = report.truncation;
    const share = examples === 0 ? 0 : (100 * tooLong) / examples;
    lines.push(
      '',
      `  over ${number(maxLength)} ${unit}: ${number(tooLong)} (${share.toFixed(1)} %), of which ${number(responseLost)} would lose the whole response`,
    );
  }
  if (report.against) {
    const { file, rows, exact, near } = report.against;
    lines.push(
      '',
      `  prompts also in ${file} (${number(rows)} rows): ${number(exact)} the same, ${number(near)} nearly`,
    );
  }
  lines.push('', ...problemLines(report, options.problems ?? Number.POSITIVE_INFINITY));
  return lines.join('\n');
}

function problemLines(report: FileReport, limit: number): string[] {
  const kinds = Object.entries(report.counts).sort(([, a], [, b]) => b - a);
  if (kinds.length === 0) return ['  no problems found'];
  const byKind = groupByKind(report.problems);
  return kinds.flatMap(([kind, count]) => [
    `  ${kind}: ${number(count)}`,
    ...formatProblems(byKind.get(kind as CheckProblem['kind']) ?? [], count, limit)
      .split('\n')
      .map((line) => `  ${line}`),
  ]);
}

function groupByKind(problems: readonly CheckProblem[]): Map<CheckProblem['kind'], CheckProblem[]> {
  const groups = new Map<CheckProblem['kind'], CheckProblem[]>();
  for (const problem of problems) {
    const group = groups.get(problem.kind);
    if (group) group.push(problem);
    else groups.set(problem.kind, [problem]);
  }
  return groups;
}

function number(value: number): string {
  return value.toLocaleString('en-GB');
}
