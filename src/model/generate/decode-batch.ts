/**
 * The sequences that are decoded together: they share a key-value cache and each run of the engine.
 *
 * Finished sequences leave at once and waiting ones take their place, so the batch stays full and short answers
 * do not wait for long ones.
 *
 * Shapes: R sequences of a run, T prompt tokens.
 */
import type { Session } from '../../tensor/index.ts';
import type { DecoderConfig } from '../decoder-config.ts';
import type { ActiveSequence, Chosen } from './active-sequence.ts';
import type { Distribution } from './decode-graph.ts';
import { KeyValueCache } from './key-value-cache.ts';

/** The sessions and weights that a batch runs on. */
export interface Engine {
  readonly config: DecoderConfig;
  /** Sequences decoded at once. */
  readonly batchSize: number;
  readonly promptSession: Session;
  readonly decodeSession: Session<keyof Distribution | 'entries'>;
  readonly weightFeeds: Readonly<Record<string, Float32Array>>;
}

/** Most padded prompt tokens read in one run; bounds memory. */
const promptTokenBudget = 8192;
/** Most logits computed in one run over prompts, 64 MiB of them; bounds memory. */
const logitBudget = 2 ** 24;

export class DecodeBatch {
  private readonly engine: Engine;
  private readonly active: ActiveSequence[] = [];
  private readonly layerNames: readonly string[];
  private cache: KeyValueCache | null = null;

  constructor(engine: Engine) {
    this.engine = engine;
    const { layers } = engine.config;
    this.layerNames = Array.from({ length: layers }, (_, i) => [`keys${i}`, `values${i}`]).flat();
  }

  /** Sequences in the batch. */
  get size(): number {
    return this.active.length;
  }

  /**
   * True: so many rows are free that reading prompts is worth holding up the others, and all requests with the prompt
   * of the longest-waiting one find a place, so that it is read once.
   */
  hasRoomFor([first, ...others]: readonly ActiveSequence[]): boolean {
    const { batchSize } = this.engine;
    if (!first) return false;
    if (this.size === 0) return true;
    const siblings = 1 + others.filter(({ promptKey }) => promptKey === first.promptKey).length;
    return batchSize - this.size >= Math.max(batchSize / 4, Math.min(siblings, batchSize));
  }

  /**
   * Reads prompts and chooses the first token of each: the longest-waiting one, and others of like length, as many
   * as there are free rows and fit the budgets. Who wants one token alone needs no row: it leaves at once.
   * @param waiting        at least one; those admitted are taken out of it
   * @param expected.rows  sequences that the cache should have room for at first
   * @param expected.slots tokens per sequence that the cache should have room for at first
   */
  async admit(
    waiting: ActiveSequence[],
    expected: { readonly rows: number; readonly slots: number },
  ): Promise<void> {
    const { batchSize, config } = this.engine;
    const most = Math.max(batchSize, Math.floor(logitBudget / config.vocabSize));
    const group = takeGroup(waiting, { free: batchSize - this.size, most });
    const first = this.size;
    // A group of nothing else needs no memory of its prompts either.
    if (group.some(({ limit }) => limit > 1)) {
      this.cache ??= new KeyValueCache(this.engine.config, {
        capacity: expected.rows,
        slots: expected.slots,
      });
    }
    this.choose(first, await this.readPrompts(group));
  }

  /** Chooses one more token for every sequence. */
  async step(): Promise<void> {
    this.choose(0, await this.decode(this.cache!));
  }

  /** Takes out sequences before they are finished. */
  drop(isUnwanted: (sequence: ActiveSequence) => boolean): void {
    for (let row = this.size - 1; row >= 0; row--) if (isUnwanted(this.active[row])) this.remove(row);
  }

  /** Extends the rows in [from, size); finished sequences leave. */
  private choose(from: number, values: Chosen): void {
    const { vocabSize } = this.engine.config;
    for (let row = this.size - 1; row >= from; row--) {
      if (this.active[row].extend(values, row - from, vocabSize)) this.remove(row).finish();
    }
  }

  /** The last row takes the place of the removed one. */
  private remove(row: number): ActiveSequence {
    const { active, cache } = this;
    const removed = active[row];
    const last = active.length - 1;
    cache?.moveRow(last, row);
    active[row] = active[last];
    active.pop();
    return removed;
  }

  /** Runs the prompts of a group, each distinct prompt once, and appends the group to the active rows. */
  private async readPrompts(group: readonly ActiveSequence[]): Promise<Chosen> {
    const { cache } = this;
    const distinct = new Map<string, { row: number; prompt: ArrayLike<number> }>();
    const sources = group.map(({ promptKey, prompt }) => {
      const entry = distinct.get(promptKey) ?? { row: distinct.size, prompt };
      distinct.set(promptKey, entry);
      return entry.row;
    });
    const prompts = [...distinct.values()].map(({ prompt }) => prompt);
    const tokens = Math.max(...prompts.map(({ length }) => length));
    const shape = [prompts.length, tokens];
    const ids = new Int32Array(prompts.length * tokens);
    const segments = new Int32Array(ids.length);
    const positions = new Int32Array(ids.length);
    prompts.forEach((prompt, row) => {
      for (let t = 0; t < prompt.length; t++) {
        ids[row * tokens + t] = prompt[t];
        segments[row * tokens + t] = 1;
        positions[row * tokens + t] = t;
      }
    });
    const remembers = group.some(({ limit }) => limit > 1);
    const values = await this.engine.promptSession.run(
      {
        ...this.engine.weightFeeds,
        ids: { data: ids, shape },
        segments: { data: segments, shape },
        positions: { data: positions, shape },
        rows: Int32Array.from(group, ({ prompt }, i) => sources[i] * tokens + prompt.length - 1),
        inverseTemperatures: inverseTemperatures(group),
      },
      [...needs(group), ...(remembers ? this.layerNames : [])],
    );
    const first = this.size;
    this.active.push(...group);
    if (remembers) {
      const rows = first + group.filter(({ limit }) => limit > 1).length; // they come first in the group
      cache!.reserve(rows);
      cache!.rows = rows;
      cache!.grow(tokens + 1);
    }
    group.forEach(({ prompt, limit }, i) => {
      if (limit === 1) return;
      for (let layer = 0; layer < cache!.layers; layer++) {
        cache!.storePrompt(layer, first + i, {
          keys: values[`keys${layer}`].data as Float32Array,
          values: values[`values${layer}`].data as Float32Array,
          source: sources[i],
          tokens,
          length: prompt.length,
        });
      }
    });
    return values as Chosen;
  }

  /** One token for every active row. */
  private async decode(cache: KeyValueCache): Promise<Chosen> {
    const { active } = this;
    const rows = active.length;
    cache.rows = rows;
    const positions = Int32Array.from(active, ({ prompt, ids }) => prompt.length + ids.length - 1);
    cache.grow(Math.max(...positions) + 1);
    const feeds: Record<string, { data: Float32Array | Int32Array; shape: readonly number[] }> = {
      ids: { data: Int32Array.from(active, ({ ids }) => ids[ids.length - 1]), shape: [rows, 1] },
      positions: { data: positions, shape: [rows, 1] },
      inverseTemperatures: inverseTemperatures(active),
    };
    const shape = [rows, cache.heads, 1, cache.slots, cache.width];
    for (let layer = 0; layer < cache.layers; layer++) {
      const { keys, values } = cache.layer(layer);
      feeds[`keys${layer}`] = { data: keys, shape };
      feeds[`values${layer}`] = { data: values, shape };
    }
    const values = await this.engine.decodeSession.run(feeds, ['entries', ...needs(active)]);
    cache.storeTokens(values.entries.data as Float32Array, positions);
    return values as Chosen;
  }
}

function needs(group: readonly ActiveSequence[]): (keyof Distribution)[] {
  return [...new Set(group.flatMap((sequence) => sequence.needs))];
}

function inverseTemperatures(group: readonly ActiveSequence[]): {
  data: Float32Array;
  shape: readonly number[];
} {
  return { data: Float32Array.from(group, ({ temperature }) => 1 / temperature), shape: [group.length, 1] };
}

/**
 * Takes the first waiting sequence with all that share its prompt, and more whole groups of equal prompts: those nearest
 * in length first, since shorter prompts are padded to the longest. Each prompt is read once.
 * @param room.free rows for sequences that go on after their first token
 * @param room.most sequences in all
 */
function takeGroup(
  waiting: ActiveSequence[],
  room: { readonly free: number; readonly most: number },
): ActiveSequence[] {
  const groups = new Map<string, ActiveSequence[]>();
  for (const sequence of waiting) {
    const group = groups.get(sequence.promptKey);
    if (group) group.push(sequence);
    else groups.set(sequence.promptKey, [sequence]);
  }
  const [{ prompt: first }] = waiting;
  const distance = ([{ prompt }]: readonly ActiveSequence[]): number =>
    Math.abs(prompt.length - first.length);
  const goesOn: ActiveSequence[] = [];
  const leaves: ActiveSequence[] = [];
  let prompts = 0;
  let longest = 0;
  for (const group of [...groups.values()].sort((a, b) => distance(a) - distance(b))) {
    const length = Math.max(longest, group[0].prompt.length);
    const going = group.filter(({ limit }) => limit > 1);
    const leaving = group.filter(({ limit }) => limit === 1);
    const taken = goesOn.length + leaves.length;
    if (prompts > 0) {
      if (length * (prompts + 1) > promptTokenBudget) break;
      if (goesOn.length + going.length > room.free || taken + group.length > room.most) continue;
    }
    // Only the first group may be larger than there is room; the rest of it waits.
    goesOn.push(...going.slice(0, room.free));
    leaves.push(...leaving.slice(0, Math.max(0, room.most - goesOn.length)));
    prompts++;
    longest = length;
  }
  // Those that leave at once come last, so that they take up no row of the cache.
  const group = [...goesOn, ...leaves];
  const taken = new Set(group);
  waiting.splice(0, waiting.length, ...waiting.filter((sequence) => !taken.has(sequence)));
  return group;
}
