/** A stage's own loop, run on random tokens with nothing around it. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { DecoderConfig } from '../src/model/index.ts';
import type { Tokenizer } from '../src/text/index.ts';
import type { PolicyPrompt, StageContext } from '../src/train/index.ts';
import { randomTokens } from './sizes.ts';

/** What the loop recorded, and when. */
export interface TimedEvent {
  /** Of `performance.now()`. */
  readonly at: number;
  readonly metrics: Readonly<Record<string, number>>;
}

/** Ids for words: the texts matter to nothing here. */
export const tokenizer = { decode: (ids: readonly number[]) => ids.join(' ') } as unknown as Tokenizer;

export function randomPrompts(config: DecoderConfig, count: number, tokens: number): PolicyPrompt[] {
  return Array.from({ length: count }, (_, i) => ({
    ids: randomTokens(config, tokens, i),
    text: `prompt ${i}`,
  }));
}

/** Runs a loop in a folder of its own, which is deleted. */
export async function runStage(train: (context: StageContext) => Promise<unknown>): Promise<TimedEvent[]> {
  const folder = await mkdtemp(join(tmpdir(), 'tenet-bench-'));
  const events: TimedEvent[] = [];
  await train({
    folder,
    signal: new AbortController().signal,
    resume: false,
    event: (_step, metrics) => events.push({ at: performance.now(), metrics }),
    sample: () => {},
    progress: () => {},
    warn: () => {},
  });
  await rm(folder, { recursive: true });
  return events;
}
