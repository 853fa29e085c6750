/**
 * The sequences that are decoded together: they share a key-value cache and each run of the engine.
 *
 * Finished sequences leave at once and waiting ones take their place, so the batch stays full and short answers
 * do not wait for long ones.
 *
 * Shapes: R sequences of a run, T prompt tokens.
 */
import type { Session } from '../../tensor/index.ts';
import type { ActiveSequence, Chosen, Step } from './active-sequence.ts';
import type { Distribution } from './decode-graph.ts';
import { KeyValueCache } from './key-value-cache.ts';
import { inverseTemperatures, type PromptEngine, type PromptReader } from './prompt-reader.ts';
import { takeGroup } from './take-group.ts';

/** The sessions and weights that a batch runs on. */
export interface Engine extends PromptEngine {
  /** Sequences decoded at once. */
  readonly batchSize: number;
  readonly decodeSession: Session;
}

/** Most logits computed in one run over prompts, 64 MiB of them; bounds memory. */
const logitBudget = 2 ** 24;

export class DecodeBatch {
  private readonly engine: Engine;
  private readonly active: ActiveSequence[] = [];
  private readonly reader: PromptReader;
  private cache: KeyValueCache | null = null;

  constructor(engine: Engine, reader: PromptReader) {
    this.engine = engine;
    this.reader = reader;
  }

  /** Sequences in the batch. */
  get size(): number {
    return this.active.length;
  }

  /**
   * True: so many rows are free that reading prompts is worth holding up the others, and all requests with the prompt
   * of the longest-waiting one find a place, so that it is read once.
   */
  hasRoomFor(waiting: readonly ActiveSequence[]): boolean {
    const [first] = waiting;
    if (!first) return false;
    if (this.size === 0) return true;
    const { batchSize } = this.engine;
    const free = batchSize - this.size;
    if (free < batchSize / 4) return false; // mostly so, and asked before every step: all that wait are not looked at
    let siblings = 0;
    for (const { promptKey } of waiting) if (promptKey === first.promptKey && ++siblings > free) return false;
    return true;
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
    const { reusesPrefixes } = this.reader;
    const group = takeGroup(waiting, { free: batchSize - this.size, most, reusesPrefixes });
    const first = this.size;
    // Where all leave at once, nobody has to remember the prompts.
    if (group.some(({ goesOn }) => goesOn)) {
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
  private choose(from: number, values: Step): void {
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

  /** Reads the prompts of a group and appends it to the active rows. */
  private async readPrompts(group: readonly ActiveSequence[]): Promise<Chosen> {
    const goesOn = group.filter((sequence) => sequence.goesOn); // these come first in the group
    const { chosen, store, probeOf } = await this.reader.read(group, needs(group), goesOn.length > 0);
    const first = this.size;
    this.active.push(...group);
    if (goesOn.length > 0) {
      const cache = this.cache!;
      cache.reserve(first + goesOn.length);
      cache.rows = first + goesOn.length;
      cache.grow(Math.max(...goesOn.map(({ prompt }) => prompt.length)) + 1);
      goesOn.forEach((_, i) => {
        store(cache, i, first + i);
      });
    }
    group.forEach((sequence, i) => {
      if (sequence.wantsProbe) sequence.promptRead(probeOf(i));
    });
    return chosen;
  }

  /** One token for every active row. */
  private async decode(cache: KeyValueCache): Promise<Step> {
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
    const probe = active.some(({ wantsProbe }) => wantsProbe) ? ['probe'] : [];
    const values = await this.engine.decodeSession.run(feeds, ['entries', ...probe, ...needs(active)]);
    cache.storeTokens(values.entries.data as Float32Array, positions);
    return values as Step;
  }
}

function needs(group: readonly ActiveSequence[]): (keyof Distribution)[] {
  return [...new Set(group.flatMap((sequence) => sequence.needs))];
}
