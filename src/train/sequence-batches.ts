/**
 * Prompts with their responses in micro-batches: which sequences go together, and how they lie in the rows.
 *
 * Responses to one prompt can share a row, in which the prompt is computed once (`SharedPromptInputs` of `src/model`):
 * with groups of K responses that saves up to K − 1 prompts of K. Responses of a batch are padded to one length, so
 * those of a prompt share rows as far as that costs fewer tokens than to repeat the prompt.
 *
 * Shapes: B rows, P tokens of prompts, M responses per row, R tokens of a response, T tokens per row, N counted tokens.
 */
import { countedTargets } from '../model/index.ts';
import type { Feeds } from '../tensor/index.ts';
import {
  lengthOf,
  lengthStep,
  padSequences,
  planMicroBatches,
  type Sequence,
  tokenFeeds,
} from './sequences.ts';

export interface SequenceBatch {
  /** Numbers of the sequences, in the order in which their counted tokens stand. */
  readonly members: readonly number[];
  /** The token inputs. */
  readonly feeds: Feeds;
  /** [N] the hidden state that predicts each response token, and the token, one sequence after another. */
  readonly rows: Int32Array;
  readonly targets: Int32Array;
  /** [members] the hidden state at each sequence's last token. */
  readonly ends: Int32Array;
}

export interface SequenceBatchOptions {
  /** Most padded tokens of a micro-batch; one row alone may have more. */
  readonly tokenBudget: number;
  /** True: for graphs with `sharedPrompts`. Sequences share a prompt when theirs is the same array. */
  readonly sharedPrompts: boolean;
  /**
   * Sequences that have to stay in one micro-batch, such as the two of a pair: lists of their numbers, which together
   * are all of them. Default: any may part.
   */
  readonly together?: readonly (readonly number[])[];
}

/** Every sequence once; the micro-batch with most tokens comes first. */
export function sequenceBatches(
  sequences: readonly Sequence[],
  { tokenBudget, sharedPrompts, together }: SequenceBatchOptions,
): SequenceBatch[] {
  const all = sequences.map((_, i) => i);
  if (!sharedPrompts) return separateBatches(sequences, together ?? all.map((i) => [i]), tokenBudget);
  const sets = together
    ? together.map((unit) => rowsAlike(byPrompt(unit, sequences), sequences))
    : byPrompt(all, sequences).flatMap((group) =>
        cheapestRows(group, sequences, tokenBudget).map((row) => [row]),
      );
  return cutRows(sets, tokenBudget).map((rows) => sharedBatch(rows, sequences));
}

/** True where some sequences have the same array as their prompt. */
export function shareSomePrompts(sequences: readonly Sequence[]): boolean {
  return new Set(sequences.map(({ prompt }) => prompt)).size < sequences.length;
}

function separateBatches(
  sequences: readonly Sequence[],
  units: readonly (readonly number[])[],
  tokenBudget: number,
): SequenceBatch[] {
  const longest = units.map((unit) => Math.max(...unit.map((i) => lengthOf(sequences[i]))));
  const sizes = units.map(({ length }) => length);
  return planMicroBatches(longest, tokenBudget, sizes).map((group) => {
    const members = group.flatMap((unit) => units[unit]);
    const batch = padSequences(members.map((i) => sequences[i]));
    const { rows, targets } = countedTargets(batch);
    const ends = Int32Array.from(members, (i, row) => row * batch.length + lengthOf(sequences[i]) - 1);
    return { members, feeds: tokenFeeds(batch), rows, targets, ends };
  });
}

/** The size of rows, in tokens. */
interface RowSize {
  /** M */
  readonly responses: number;
  /** Tokens of a prompt that stand before the responses; 0 where one response keeps its whole prompt. */
  readonly prompt: number;
  /** R, with what of the prompt stands in front of a response. */
  readonly response: number;
}

/** Responses that share a row. */
interface Row extends RowSize {
  readonly members: readonly number[];
}

/** P: room for the prompt, at least one token, that rounds the row up. */
function promptSpace({ responses, prompt, response }: RowSize): number {
  const behind = responses * response;
  return Math.ceil((behind + Math.max(1, prompt)) / lengthStep) * lengthStep - behind;
}

/** T */
function rowLength(size: RowSize): number {
  return promptSpace(size) + size.responses * size.response;
}

/** In which both find room. */
function larger(a: RowSize, b: RowSize): RowSize {
  return {
    responses: a.responses,
    prompt: Math.max(a.prompt, b.prompt),
    response: Math.max(a.response, b.response),
  };
}

function rowOf(members: readonly number[], sequences: readonly Sequence[]): Row {
  const longest = Math.max(...members.map((i) => lengthOf(sequences[i])));
  const prompt = members.length === 1 ? 0 : sequences[members[0]].prompt.length - 1;
  return { members, responses: members.length, prompt, response: longest - prompt };
}

/** Sequences by prompt, in the order of their first; without a prompt there is nothing to share. */
function byPrompt(members: readonly number[], sequences: readonly Sequence[]): number[][] {
  const groups = new Map<object, number[]>();
  for (const i of members) {
    const { prompt } = sequences[i];
    const group = prompt.length > 0 ? groups.get(prompt) : undefined;
    if (group) group.push(i);
    else groups.set(prompt.length > 0 ? prompt : {}, [i]);
  }
  return [...groups.values()];
}

/**
 * The rows that take fewest tokens for responses to one prompt.
 *
 * Responses of like length belong together, so with the longest first every row is a run of them. cost[n] is that of
 * the first n: the least over where their last row begins.
 */
function cheapestRows(
  members: readonly number[],
  sequences: readonly Sequence[],
  tokenBudget: number,
): Row[] {
  const sorted = members.toSorted((a, b) => lengthOf(sequences[b]) - lengthOf(sequences[a]) || a - b);
  const prompt = sequences[sorted[0]].prompt.length - 1;
  const cost = [0];
  const begins = [0];
  for (let n = 1; n <= sorted.length; n++) {
    cost[n] = Number.POSITIVE_INFINITY;
    for (let begin = n - 1; begin >= 0; begin--) {
      const longest = lengthOf(sequences[sorted[begin]]);
      const responses = n - begin;
      const tokens =
        responses === 1
          ? rowLength({ responses, prompt: 0, response: longest })
          : rowLength({ responses, prompt, response: longest - prompt });
      if (responses > 1 && tokens > tokenBudget) break;
      if (cost[begin] + tokens < cost[n]) [cost[n], begins[n]] = [cost[begin] + tokens, begin];
    }
  }
  const rows: Row[] = [];
  for (let end = sorted.length; end > 0; end = begins[end]) {
    rows.push(rowOf(sorted.slice(begins[end], end), sequences));
  }
  return rows;
}

/**
 * Rows of sequences that stay together, so that each must hold as many: one for each prompt, or one for each response.
 */
function rowsAlike(groups: readonly (readonly number[])[], sequences: readonly Sequence[]): Row[] {
  const alone = groups.flat().map((i) => rowOf([i], sequences));
  if (groups.some(({ length }) => length !== groups[0].length)) return alone;
  const shared = groups.map((members) => rowOf(members, sequences));
  return tokensOf(shared) < tokensOf(alone) ? shared : alone;
}

/** Of a micro-batch, its padding included. */
function tokensOf(rows: readonly RowSize[]): number {
  return rows.length * rowLength(rows.reduce<RowSize>(larger, rows[0]));
}

/** Micro-batches of rows with as many responses each. @param sets of rows that stay together */
function cutRows(sets: readonly (readonly Row[])[], tokenBudget: number): Row[][] {
  const byCount = new Map<number, { readonly rows: readonly Row[]; readonly size: RowSize }[]>();
  for (const rows of sets) {
    const size = rows.reduce<RowSize>(larger, rows[0]);
    const kind = byCount.get(size.responses);
    if (kind) kind.push({ rows, size });
    else byCount.set(size.responses, [{ rows, size }]);
  }
  const batches: { rows: Row[]; size: RowSize }[] = [];
  for (const kind of byCount.values()) {
    let current: { rows: Row[]; size: RowSize } | null = null;
    for (const { rows, size } of kind.toSorted((a, b) => rowLength(b.size) - rowLength(a.size))) {
      const both: RowSize = current ? larger(current.size, size) : size;
      if (current && (current.rows.length + rows.length) * rowLength(both) <= tokenBudget) {
        current.rows.push(...rows);
        current.size = both;
      } else {
        current = { rows: [...rows], size };
        batches.push(current);
      }
    }
  }
  const tokens = ({ rows, size }: (typeof batches)[number]): number => rows.length * rowLength(size);
  return batches.sort((a, b) => tokens(b) - tokens(a)).map(({ rows }) => rows);
}

/** Lays out rows of as many responses each. */
function sharedBatch(rows: readonly Row[], sequences: readonly Sequence[]): SequenceBatch {
  const size = rows.reduce<RowSize>(larger, rows[0]);
  const space = promptSpace(size); // P
  const length = rowLength(size); // T
  const ids = new Int32Array(rows.length * length);
  const positions = new Int32Array(rows.length * length);
  const promptSegments = new Int32Array(rows.length * space);
  const responseSegments = new Int32Array(rows.length * size.responses * size.response);
  const found = {
    members: [] as number[],
    rows: [] as number[],
    targets: [] as number[],
    ends: [] as number[],
  };
  rows.forEach(({ members, prompt: before }, b) => {
    const place = (
      tokens: ArrayLike<number>,
      from: number,
      to: number,
      at: number,
      position: number,
    ): void => {
      for (let i = from; i < to; i++) {
        ids[at + i - from] = tokens[i];
        positions[at + i - from] = position + i - from;
      }
    };
    place(sequences[members[0]].prompt, 0, before, b * length, 0);
    promptSegments.fill(1, b * space, b * space + before);
    members.forEach((index, m) => {
      const { prompt, response } = sequences[index];
      const start = b * length + space + m * size.response;
      const answer = start + prompt.length - before;
      place(prompt, before, prompt.length, start, before);
      place(response, 0, response.length, answer, prompt.length);
      const end = answer + response.length;
      const segment = (b * size.responses + m) * size.response;
      responseSegments.fill(1, segment, segment + end - start);
      found.members.push(index);
      for (let t = 0; t < response.length; t++) {
        found.rows.push(answer + t - 1);
        found.targets.push(response[t]);
      }
      found.ends.push(end - 1);
    });
  });
  return {
    members: found.members,
    feeds: {
      ids: { data: ids, shape: [rows.length, length] },
      positions: { data: positions, shape: [rows.length, length] },
      promptSegments: { data: promptSegments, shape: [rows.length, space] },
      responseSegments: { data: responseSegments, shape: [rows.length, size.responses, size.response] },
    },
    rows: Int32Array.from(found.rows),
    targets: Int32Array.from(found.targets),
    ends: Int32Array.from(found.ends),
  };
}
