/** The suites that `tenet evaluate` knows, and which of them run when none is named. */
import type { DataFolder, Suite } from '../../evaluate/index.ts';

/** Scores responses with a reward model; not a suite of questions, so it stands apart. */
export const rewardBench = 'reward-bench';

export async function knownSuites(): Promise<readonly Suite[]> {
  const [{ publishedSuites }, sandbox] = await Promise.all([
    import('../../evaluate/index.ts'),
    import('../../run/evaluation-suites/index.ts'),
  ]);
  return [
    sandbox.sandboxSuite,
    sandbox.sandboxSycophancySuite,
    sandbox.sandboxCalibrationSuite,
    ...publishedSuites,
  ];
}

/**
 * @param names as given; none: the sandbox's without a data folder, else those whose files are there
 * @throws TenetError('usage') for a name that is none
 */
export async function chooseSuites(
  names: readonly string[] | undefined,
  data: DataFolder | null,
  options: { readonly isLocal: boolean },
): Promise<readonly Suite[]> {
  const all = await knownSuites();
  const { suitesNamed } = await import('../../evaluate/index.ts');
  if (names) {
    const questions = names.filter((name) => name !== rewardBench);
    return suitesNamed(questions, all);
  }
  if (!data) return all.filter(({ files }) => files.length === 0);
  const found: Suite[] = [];
  for (const suite of all.filter(({ onlyByName }) => !onlyByName)) {
    const isThere = await Promise.all(suite.files.map((file) => data.find(file)));
    const isMeasurable = suite.name !== 'plain-text' || options.isLocal;
    if (isThere.some((paths) => paths.length > 0) && isMeasurable) found.push(suite);
  }
  return found;
}
