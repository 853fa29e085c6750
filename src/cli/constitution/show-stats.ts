/** `tenet constitution stats`. */
import { type Constitution, type PrincipleStats, shortHash } from '../../constitution/index.ts';
import { bold, dim, percent, percentInterval, table, wrap } from './text.ts';

export function showStats(constitution: Constitution, stats: readonly PrincipleStats[]): string {
  const { name, version, hash, principles } = constitution;
  const title = `${bold(`${name}${version === null ? '' : ` ${version}`}`)} ${dim(shortHash(hash))}`;
  if (stats.length === 0) {
    return (
      `${title}\nThe ledger holds nothing that was said under this content. Another version of it would have another hash; ` +
      '"tenet critique" and "tenet compare" write to the ledger as they go.\n'
    );
  }
  const share = (part: number, whole: number): string => (whole === 0 ? '–' : percent(part / whole));
  const rows = stats.map(({ principle, critiques, checks, comparisons, people, repeated, reworded }) => [
    principle,
    String(critiques.asked + checks.asked + comparisons.drawn),
    share(critiques.violations + checks.violations, critiques.asked + checks.asked),
    share(comparisons.decisive, comparisons.drawn),
    people.pairs === 0 ? '–' : percentInterval(people.agreement!),
    people.pairs === 0 ? '–' : String(people.overruled),
    repeated ? percent(repeated.same.estimate) : '–',
    reworded ? percent(reworded.same.estimate) : '–',
  ]);
  const head = [
    'principle',
    'asked',
    'violated',
    'decisive',
    'agrees with people',
    'overruled',
    'repeated',
    'reworded',
  ];
  const unused = principles
    .filter(({ id }) => !stats.some(({ principle }) => principle === id))
    .map(({ id }) => id);
  return [
    title,
    '',
    table(head, rows),
    '',
    dim(
      wrap(
        'asked: critiques, checks and pairs. violated: of critiques and checks. decisive: pairs that would be decided the ' +
          'other way without it. overruled: pairs that it decided and people decided otherwise. repeated, reworded: the ' +
          'same response preferred when asked again.',
      ),
    ),
    ...(unused.length > 0 ? [wrap(`Never asked: ${unused.join(', ')}.`)] : []),
    '',
  ].join('\n');
}
