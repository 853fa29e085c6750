/** How each principle of a constitution fared, from what the ledger holds: drawn, violated, decisive, overruled. */
import { type Interval, wilsonInterval } from '../objective/index.ts';
import type { EventFilter, Ledger, LedgerEvent } from '../store/index.ts';
import { pairsOf } from './compare/compare.ts';
import type { PairSummary } from './compare/events.ts';

export interface PrincipleStats {
  readonly principle: string;
  /** Critiques under it that were usable, and what they came to. */
  readonly critiques: { readonly asked: number; readonly violations: number; readonly unclear: number };
  /** Yes/no checks, and those that found a violation. */
  readonly checks: { readonly asked: number; readonly violations: number };
  /** Pairs judged under it, and those where it decided: without it the other response would have been preferred. */
  readonly comparisons: { readonly drawn: number; readonly decisive: number };
  /** Against people's labels of the same responses. */
  readonly people: {
    /** Pairs that people and the principle both prefer one response of. */
    readonly pairs: number;
    readonly agreement: Interval | null;
    /** Pairs that it decided and people decided the other way. */
    readonly overruled: number;
  };
  /** Asked about again: part where it says the same. */
  readonly repeated: Rechecked | null;
  /** Asked about in other words. */
  readonly reworded: Rechecked | null;
}

export interface Rechecked {
  readonly pairs: number;
  readonly same: Interval;
}

export interface StatsOptions {
  /** Only events of this job. Default all. */
  readonly project?: string;
  /** Only events of this run. Default all. */
  readonly runId?: string;
}

/** Sums while reading. */
interface Tally {
  critiques: number;
  critiqueViolations: number;
  unclear: number;
  checks: number;
  checkViolations: number;
  drawn: number;
  decisive: number;
  peoplePairs: number;
  agreed: number;
  overruled: number;
}

/**
 * Statistics of all principles that the ledger names under a constitution, in order of first appearance.
 *
 * People are annotators and simulated ones; where they adjudicated, that counts instead of single labels, and otherwise
 * the majority of them. A label is matched to a judge's by prompt and responses.
 * @param constitutionHash `sha256:…` of the document's content
 */
export async function principleStats(
  ledger: Pick<Ledger, 'read'>,
  constitutionHash: string,
  { project, runId }: StatsOptions = {},
): Promise<PrincipleStats[]> {
  const filter: EventFilter = { constitutionHash, current: true, judgeKind: 'ai', project, runId };
  const people = await preferencesOfPeople(ledger);
  const tallies = new Map<string, Tally>();
  const answers = new Answers();
  const tallyOf = (principle: string): Tally => {
    const tally = tallies.get(principle) ?? emptyTally();
    tallies.set(principle, tally);
    return tally;
  };
  for await (const event of ledger.read(filter)) {
    const ids = event.principles ?? [];
    if (event.kind === 'critique' && event.extra?.failure === null) {
      for (const id of ids) {
        const tally = tallyOf(id);
        tally.critiques++;
        if (event.extra.verdict === 'violation') tally.critiqueViolations++;
        if (event.extra.verdict === 'unclear') tally.unclear++;
      }
    } else if (event.kind === 'score' && event.extra?.check === 'violation') {
      const tally = tallyOf(ids[0]);
      tally.checks++;
      if (event.extra.violation === true) tally.checkViolations++;
    } else if (event.kind === 'comparison') {
      tallyOf(ids[0]);
      answers.add(event);
    } else if (event.kind === 'label') countLabel(event, people, tallyOf);
  }
  return [...tallies].map(([principle, tally]) => statsOf(principle, tally, answers));
}

function countLabel(
  event: LedgerEvent,
  people: ReadonlyMap<string, PairSides>,
  tallyOf: (principle: string) => Tally,
): void {
  const pairs = (event.extra?.pairs ?? []) as unknown as readonly PairSummary[];
  const count = event.item?.responses.length ?? 0;
  const humanRanks = event.extra?.humanRanks as readonly (number | null)[] | undefined;
  const sides = (event.itemHash && people.get(event.itemHash)) || (humanRanks && sidesOf(humanRanks));
  for (const [n, [i, j]] of pairsOf(count).entries()) {
    const { probability, decisive, principles } = pairs[n] ?? {
      probability: 0.5,
      decisive: [],
      principles: {},
    };
    const side = sides ? Math.sign(sides[i][j]) : 0;
    for (const [id, own] of Object.entries(principles)) {
      const tally = tallyOf(id);
      tally.drawn++;
      const isDecisive = decisive.includes(id);
      if (isDecisive) tally.decisive++;
      if (side === 0) continue;
      if (own !== 0.5) {
        tally.peoplePairs++;
        if (Math.sign(own - 0.5) === side) tally.agreed++;
      }
      if (isDecisive && Math.sign(probability - 0.5) === -side) tally.overruled++;
    }
  }
}

/** [K][K] how many more people prefer response i to response j than the other way round. */
type PairSides = readonly (readonly number[])[];

async function preferencesOfPeople(ledger: Pick<Ledger, 'read'>): Promise<Map<string, PairSides>> {
  const labels = new Map<string, number[][]>();
  const decided = new Map<string, PairSides>();
  for (const judgeKind of ['human', 'simulated'] as const) {
    const filter: EventFilter = { kinds: ['label', 'adjudication'], judgeKind, current: true };
    for await (const { kind, itemHash, ranks } of ledger.read(filter)) {
      if (itemHash === null || !ranks) continue;
      const sides = sidesOf(ranks);
      if (kind === 'adjudication') decided.set(itemHash, sides);
      else {
        const sum = labels.get(itemHash) ?? ranks.map(() => ranks.map(() => 0));
        labels.set(itemHash, sum);
        for (const [i, row] of sides.entries()) for (const [j, side] of row.entries()) sum[i][j] += side;
      }
    }
  }
  return new Map([...labels, ...decided]);
}

/** [K][K] 1: i is ranked better than j, −1: worse, 0: a tie or not judged. */
function sidesOf(ranks: readonly (number | null)[]): number[][] {
  return ranks.map((a) => ranks.map((b) => (a === null || b === null ? 0 : Math.sign(b - a))));
}

/** Mean probability of each pair under each principle, as first asked, repeated and reworded. */
class Answers {
  private readonly asked = new Map<string, Map<string, { sum: number; count: number }>>();

  add({ project, principles, probabilities, extra }: LedgerEvent): void {
    if (!principles || !probabilities) return;
    const kind = String(extra?.check ?? 'first');
    const key = JSON.stringify([project, principles[0], extra?.item, extra?.pair]);
    const kinds = this.asked.get(key) ?? new Map();
    this.asked.set(key, kinds);
    const mean = kinds.get(kind) ?? { sum: 0, count: 0 };
    kinds.set(kind, { sum: mean.sum + probabilities[0], count: mean.count + 1 });
  }

  /** Of the pairs asked about again under a principle, how many had the same outcome. */
  rechecked(principle: string, kind: 'repeat' | 'reword'): Rechecked | null {
    let [pairs, same] = [0, 0];
    for (const [key, kinds] of this.asked) {
      const [first, again] = [kinds.get('first'), kinds.get(kind)];
      if (JSON.parse(key)[1] !== principle || !first || !again) continue;
      pairs++;
      const side = ({ sum, count }: { sum: number; count: number }): number => Math.sign(sum / count - 0.5);
      if (side(first) === side(again)) same++;
    }
    return pairs === 0 ? null : { pairs, same: wilsonInterval(same, pairs) };
  }
}

function statsOf(principle: string, tally: Tally, answers: Answers): PrincipleStats {
  const { peoplePairs: pairs, agreed } = tally;
  return {
    principle,
    critiques: { asked: tally.critiques, violations: tally.critiqueViolations, unclear: tally.unclear },
    checks: { asked: tally.checks, violations: tally.checkViolations },
    comparisons: { drawn: tally.drawn, decisive: tally.decisive },
    people: {
      pairs,
      agreement: pairs === 0 ? null : wilsonInterval(agreed, pairs),
      overruled: tally.overruled,
    },
    repeated: answers.rechecked(principle, 'repeat'),
    reworded: answers.rechecked(principle, 'reword'),
  };
}

function emptyTally(): Tally {
  return {
    ...{ critiques: 0, critiqueViolations: 0, unclear: 0, checks: 0, checkViolations: 0 },
    ...{ drawn: 0, decisive: 0, peoplePairs: 0, agreed: 0, overruled: 0 },
  };
}
