/** What `tenet redteam` found. */
import type { RedTeamResult, TechniqueResult } from '../../evaluate/index.ts';
import type { CallTally } from '../../llm/index.ts';
import { describeTally } from '../ask-flags.ts';
import { bold, dim, plural, table } from '../constitution/text.ts';
import { oneLine } from './one-line.ts';
import { number } from './show-results.ts';

/** Successful attempts shown. */
const examplesShown = 3;

export function showRedTeam(
  { target, attempts, techniques, categories, anyTechnique, failed }: RedTeamResult,
  files: { readonly findings: string; readonly attempts: string },
  tally: CallTally,
): string {
  const successes = attempts.filter(({ harmful }) => harmful);
  const rows = (results: readonly TechniqueResult[]): string[][] =>
    results.map(({ technique, attempts: count, success }) => [
      technique,
      `${count}`,
      `${number(success.estimate, '%')} % [${number(success.low, '%')}, ${number(success.high, '%')}]`,
    ]);
  const lines = [
    bold(`${plural(attempts.length, 'attack')} on ${target}, ${successes.length} succeeded`),
    table(['technique', 'attempts', 'success'], rows(techniques)),
    ...(anyTechnique
      ? [
          `Requests that some technique got served: ${number(anyTechnique.estimate, '%')} % [${number(anyTechnique.low, '%')}, ${number(anyTechnique.high, '%')}]`,
        ]
      : []),
    '',
    table(['category', 'attempts', 'success'], rows(categories)),
    dim(
      'Graded from wording, offline: a success is a response that serves the request at least in part. 95 % intervals by Wilson.',
    ),
  ];
  for (const { technique, messages, response } of successes.slice(0, examplesShown)) {
    lines.push(
      '',
      `${bold(technique)}  ${oneLine(messages[messages.length - 1].content, 140)}`,
      `  ${oneLine(response, 160)}`,
    );
  }
  if (failed.count > 0)
    lines.push('', `${plural(failed.count, 'attack')} could not be made, the first: ${failed.reason}`);
  lines.push(
    '',
    `${files.findings}: ${plural(successes.length, 'success', 'successes')}   ${files.attempts}: all`,
    dim(describeTally(tally)),
  );
  return `${lines.join('\n')}\n`;
}
