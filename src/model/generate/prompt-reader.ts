/**
 * Reads prompts, each distinct one once, and what they begin with in common once for all that come.
 *
 * Shapes: R sequences, T tokens of the longest prompt behind the prefix, P prefix tokens, N numbers of a probe.
 */
import type { Session } from '../../tensor/index.ts';
import type { DecoderConfig } from '../decoder-config.ts';
import type { ActiveSequence, Chosen } from './active-sequence.ts';
import type { Distribution } from './decode-graph.ts';
import type { KeyValueCache } from './key-value-cache.ts';
import { type Prefix, PrefixMemory } from './prefix-memory.ts';

/** What prompts are read with. */
export interface PromptEngine {
  readonly config: DecoderConfig;
  readonly promptSession: Session;
  /** The session for prompts behind a prefix, made when it is first needed; null where the model cannot use one. */
  readonly prefixSession: (() => Promise<Session>) | null;
  readonly weightFeeds: Readonly<Record<string, Float32Array>>;
  /** N; 0 without a probe. */
  readonly probeNumbers: number;
}

/** Prompts that were read. */
export interface ReadPrompts {
  /** What each sequence's first token is chosen from; one row per sequence. */
  readonly chosen: Chosen;
  /** Stores the keys and values of a sequence's prompt. */
  readonly store: (cache: KeyValueCache, sequence: number, row: number) => void;
  /** [tokens, N] a probe's numbers for the whole prompt of a sequence, where the sequence wants them. */
  readonly probeOf: (sequence: number) => Float32Array;
}

export class PromptReader {
  private readonly engine: PromptEngine;
  private readonly prefixes: PrefixMemory | null;
  private readonly layers: readonly number[];
  private readonly layerNames: readonly string[];

  /** @param options.reusePrefixes true: remember what prompts begin with */
  constructor(engine: PromptEngine, options: { readonly reusePrefixes: boolean }) {
    this.engine = engine;
    this.prefixes = options.reusePrefixes && engine.prefixSession ? new PrefixMemory() : null;
    this.layers = Array.from({ length: engine.config.layers }, (_, layer) => layer);
    this.layerNames = this.layers.flatMap((layer) => [`keys${layer}`, `values${layer}`]);
  }

  /** True: prompts that begin alike are read faster together. */
  get reusesPrefixes(): boolean {
    return this.prefixes !== null;
  }

  /** @param remembers false: nobody goes on behind these prompts, so that keys and values are not fetched */
  async read(
    group: readonly ActiveSequence[],
    needs: readonly (keyof Distribution)[],
    remembers: boolean,
  ): Promise<ReadPrompts> {
    const distinct = new Map<string, { readonly row: number; readonly prompt: ArrayLike<number> }>();
    const sources = group.map(({ promptKey, prompt }) => {
      const entry = distinct.get(promptKey) ?? { row: distinct.size, prompt };
      distinct.set(promptKey, entry);
      return entry.row;
    });
    const prompts = [...distinct.values()].map(({ prompt }) => prompt);
    const prefix = await this.prefixOf(prompts);
    const offset = prefix?.ids.length ?? 0;
    const tokens = Math.max(...prompts.map(({ length }) => length)) - offset;
    const session = prefix ? await this.engine.prefixSession!() : this.engine.promptSession;
    const values = await session.run(
      {
        ...this.engine.weightFeeds,
        ...tokenFeeds(prompts, offset, tokens),
        ...(prefix && this.prefixFeeds(prefix)),
        rows: Int32Array.from(group, ({ prompt }, i) => sources[i] * tokens + prompt.length - offset - 1),
        inverseTemperatures: inverseTemperatures(group),
      },
      [
        ...needs,
        ...(remembers ? this.layerNames : []),
        ...(group.some(({ wantsProbe }) => wantsProbe) ? ['probe'] : []),
      ],
    );
    return {
      chosen: values as Chosen,
      store: (cache, sequence, row) => {
        const length = group[sequence].prompt.length - offset;
        for (const layer of this.layers) {
          if (prefix) {
            const [keys, ofValues] = [prefix.keys[layer], prefix.values[layer]];
            cache.storePrompt(layer, row, {
              keys,
              values: ofValues,
              source: 0,
              tokens: offset,
              length: offset,
              offset: 0,
            });
          }
          cache.storePrompt(layer, row, {
            keys: values[`keys${layer}`].data as Float32Array,
            values: values[`values${layer}`].data as Float32Array,
            source: sources[sequence],
            tokens,
            length,
            offset,
          });
        }
      },
      probeOf: (sequence) => {
        const { probeNumbers } = this.engine;
        const own = group[sequence].prompt.length - offset;
        const start = sources[sequence] * tokens * probeNumbers;
        const numbers = (values.probe.data as Float32Array).subarray(start, start + own * probeNumbers);
        const whole = new Float32Array((offset + own) * probeNumbers);
        if (prefix) whole.set(prefix.probe!);
        whole.set(numbers, offset * probeNumbers);
        return whole;
      },
    };
  }

  private async prefixOf(prompts: readonly ArrayLike<number>[]): Promise<Prefix | null> {
    const suggestion = this.prefixes?.suggest(prompts);
    if (!suggestion) return null;
    if ('known' in suggestion) return suggestion.known;
    const ids = Array.from(prompts[0]).slice(0, suggestion.length);
    const values = await this.engine.promptSession.run(
      {
        ...this.engine.weightFeeds,
        ...tokenFeeds([ids], 0, ids.length),
        rows: Int32Array.of(ids.length - 1),
        inverseTemperatures: { data: Float32Array.of(1), shape: [1, 1] },
      },
      [...this.layerNames, ...(this.engine.probeNumbers > 0 ? ['probe'] : [])],
    );
    const layerData = (name: string): Float32Array[] =>
      this.layers.map((layer) => values[`${name}${layer}`].data as Float32Array);
    const probe = this.engine.probeNumbers > 0 ? (values.probe.data as Float32Array) : null;
    const prefix: Prefix = { ids, keys: layerData('keys'), values: layerData('values'), probe };
    this.prefixes!.remember(prefix);
    return prefix;
  }

  private prefixFeeds(prefix: Prefix): Record<string, { data: Float32Array; shape: readonly number[] }> {
    const { kvHeads, headWidth } = this.engine.config;
    const shape = [1, kvHeads, 1, prefix.ids.length, headWidth];
    return Object.fromEntries(
      this.layers.flatMap((layer) => [
        [`prefixKeys${layer}`, { data: prefix.keys[layer], shape }],
        [`prefixValues${layer}`, { data: prefix.values[layer], shape }],
      ]),
    );
  }
}

export function inverseTemperatures(group: readonly ActiveSequence[]): {
  data: Float32Array;
  shape: readonly number[];
} {
  return { data: Float32Array.from(group, ({ temperature }) => 1 / temperature), shape: [group.length, 1] };
}

/** Prompts from their token `offset` on, padded to `tokens` on the right. */
function tokenFeeds(
  prompts: readonly ArrayLike<number>[],
  offset: number,
  tokens: number,
): Record<'ids' | 'segments' | 'positions', { data: Int32Array; shape: readonly number[] }> {
  const shape = [prompts.length, tokens];
  const ids = new Int32Array(prompts.length * tokens);
  const segments = new Int32Array(ids.length);
  const positions = new Int32Array(ids.length);
  prompts.forEach((prompt, row) => {
    for (let t = 0; t < prompt.length - offset; t++) {
      const at = row * tokens + t;
      ids[at] = prompt[offset + t];
      segments[at] = 1;
      positions[at] = offset + t;
    }
  });
  return {
    ids: { data: ids, shape },
    segments: { data: segments, shape },
    positions: { data: positions, shape },
  };
}
