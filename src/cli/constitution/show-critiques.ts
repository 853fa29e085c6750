/** The outcome of `tenet critique`. */
import type { CritiqueFiles, CritiqueReport } from '../../constitution/index.ts';
import type { CallTally } from '../../llm/index.ts';
import { describeTally } from '../ask-flags.ts';
import { bold, dim, percent, plural, red, table, wrap } from './text.ts';

export function showCritiques(report: CritiqueReport, files: CritiqueFiles, tally: CallTally): string {
  const { prompts, revised, kept, dropped, failed, rounds, outcomes, principles, demonstrations } = report;
  const share = (part: number, whole: number): string => (whole === 0 ? '–' : percent(part / whole));
  const lines = [
    bold(`${plural(prompts, 'prompt')}: ${revised} revised, ${kept} kept as they were, ${dropped} dropped`) +
      (failed > 0 ? red(`, ${failed} failed`) : ''),
    `${plural(rounds, 'round')}: ${share(outcomes.revised, rounds)} revised, ` +
      `${share(outcomes['no-violation'], rounds)} found nothing wrong, ${share(outcomes.failed, rounds)} unusable`,
  ];
  for (const step of ['response', 'critique', 'revision'] as const) {
    const kinds = Object.entries(report.failures[step]).map(([kind, count]) => `${kind} ${count}`);
    if (kinds.length > 0) lines.push(`unusable ${step}s, asked again: ${kinds.join(', ')}`);
  }
  const rows = Object.entries(principles)
    .sort(([, a], [, b]) => b.asked - a.asked)
    .map(([id, { asked, revised: changed }]) => [id, String(asked), share(changed, asked)]);
  lines.push('', table(['principle', 'asked', 'revised'], rows), '');
  lines.push(
    `${files.demonstrations}: ${plural(demonstrations.revisions, 'revision')}, ${plural(demonstrations.helpful, 'helpful response')}`,
  );
  if (files.preferences) lines.push(`${files.preferences}: ${plural(report.preferences ?? 0, 'pair')}`);
  lines.push(dim(`${files.chains}, ${files.report}`), dim(`job ${report.job}; ${describeTally(tally)}`));
  if (failed > 0) {
    lines.push(
      red(wrap(`${plural(failed, 'prompt')} failed; the first: ${report.failedItems[0].reason}`)),
      'Run the same command again to try them again; nothing else is repeated.',
    );
  }
  return `${lines.join('\n')}\n`;
}
