import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Random } from '../base/index.ts';
import {
  initialiseParameters,
  makeLlamaConfig,
  ParameterStore,
  parameterSpecs,
  saveModelFolder,
  TextGenerator,
} from '../model/index.ts';
import { trainBpe } from '../text/index.ts';
import { localTextScorer } from './text-scorer.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tenet-text-scorer-'));
  const { tokenizer } = await trainBpe(['the cat sat on the mat and the hat '.repeat(5)], {
    vocabSize: 280,
    specialTokens: ['<|endoftext|>'],
  });
  const config = makeLlamaConfig({
    ...{ vocabSize: tokenizer.vocabSize, width: 16, layers: 1, heads: 2, kvHeads: 2, innerWidth: 16 },
    ...{ maxPositions: 64, initializerRange: 0.4 },
  });
  const parameters = new ParameterStore(parameterSpecs(config));
  initialiseParameters(parameters, new Random(5));
  const card = { name: 'tiny', summary: 'Random weights for a test.', stages: [] };
  await saveModelFolder(folder, { config, parameters, tokenizerFiles: tokenizer.files, card });
});
afterAll(() => rm(folder, { recursive: true }));

describe('localTextScorer', () => {
  it('counts what follows the first third, and reads no more than the model can, in any script', async () => {
    const scorer = await localTextScorer(folder, { threads: 1 });
    const direct = await TextGenerator.load(folder, { threads: 1 });
    try {
      // A third of 23 characters is 7, where the gap before "sat" is.
      const { nats, tokens, bytes } = await scorer.score('the cat sat on the mat!');
      const { continuations } = await direct.continuations({ prompt: 'the cat' }, [' sat on the mat!']);
      const [{ ids, logProbs }] = continuations;
      expect([tokens, bytes]).toEqual([ids.length, 16]);
      expect(nats).toBeCloseTo(-logProbs.reduce((sum, one) => sum + one, 0), 4);
      // Of 62 bytes three quarters, in whole characters of three bytes each: 15, of which 10 are counted.
      expect(await scorer.score('漢字'.repeat(100))).toMatchObject({ bytes: 30 });
    } finally {
      await scorer.close();
      await direct.release();
    }
  });
});
