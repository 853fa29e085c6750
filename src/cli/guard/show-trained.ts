/** What `tenet guard train` prints when it is done. */
import { join } from 'node:path';
import type { GuardFile, GuardSource } from '../../guard/index.ts';
import { dim, plural } from '../constitution/text.ts';

export function showTrained(
  folder: string,
  { kinds, categories, calibration, parts, result, probe }: GuardFile,
  sources: readonly (GuardSource & { readonly form: string; readonly leftOut: number })[],
): string {
  const percent = (share: number): string => `${Number((100 * share).toPrecision(3))} %`;
  const lines = [
    ...sources.map(
      ({ path, examples, form, use, leftOut }) =>
        `${path}: ${plural(examples.length, 'example')} (${form})${use === 'test' ? ', for tests' : ''}${leftOut > 0 ? `, ${leftOut} left out` : ''}`,
    ),
    `${plural(parts.train, 'example')} trained on, ${parts.calibration} to calibrate, ${parts.test} kept for tests; ` +
      `${parts.duplicates.within} near duplicates left out, ${parts.duplicates.acrossTest} that the test has too`,
    '',
    ...kinds.map((kind) => {
      const own = calibration.kinds[kind];
      const area = result.auc[kind];
      const at = own?.thresholds.find(({ refusalRate }) => refusalRate === 0.01);
      const quality = area
        ? `area under the ROC curve ${area.estimate.toFixed(3)} (${area.low.toFixed(3)} to ${area.high.toFixed(3)})`
        : 'no held-out texts of both labels';
      const threshold = at
        ? `; threshold ${at.threshold.toFixed(3)} refuses ${percent(at.refused.estimate)} of ${plural(at.benign, 'harmless text')} (${percent(at.refused.low)} to ${percent(at.refused.high)})`
        : '';
      return `${kind.padEnd(9)} ${quality}${threshold}`;
    }),
    ...(categories.length > 0 ? [`categories: ${categories.join(', ')}`] : []),
    '',
    dim('These held-out texts come from the sources that were trained on. What it does to unseen ones:'),
    dim(`  tenet guard evaluate ${folder}`),
    ...(probe?.chatTemplate
      ? [
          dim('With the model that they read, in its own pass:'),
          dim(`  tenet serve --model ${join(folder, probe.model)} --guard ${folder}`),
        ]
      : []),
    '',
  ];
  return lines.join('\n');
}
