import { join } from 'node:path';
import { expect, it } from 'vitest';
import { Random } from '../../base/index.ts';
import {
  initialiseParameters,
  makeLlamaConfig,
  ParameterStore,
  parameterSpecs,
  saveModelFolder,
} from '../../model/index.ts';
import { trainBpe } from '../../text/index.ts';
import { temporaryFolder } from '../../train/testing/context.ts';
import { openClassifierGuard } from '../classifier/open-classifier-guard.ts';
import { wordExamples } from '../testing/words-guard-data.ts';
import { trainProbes } from './train-probes.ts';

const examples = wordExamples(240);

async function makeModel(folder: string, seed: number): Promise<void> {
  const texts = examples.map(({ request, answer }) => `${request} ${answer}`);
  const { tokenizer } = await trainBpe(texts, { vocabSize: 320 });
  const config = makeLlamaConfig({
    ...{ vocabSize: tokenizer.vocabSize, width: 48, layers: 3, heads: 4, innerWidth: 64, maxPositions: 64 },
    ...{ eosId: tokenizer.eosId, initializerRange: 0.3 },
  });
  const parameters = new ParameterStore(parameterSpecs(config));
  initialiseParameters(parameters, new Random(seed));
  await saveModelFolder(folder, {
    ...{ config, parameters, tokenizerFiles: tokenizer.files },
    card: { name: 'm', summary: '', stages: [] },
  });
}

it('reads from the states of a model what it was never trained to say', async () => {
  const home = temporaryFolder();
  const [model, folder] = [join(home, 'model'), join(home, 'probe')];
  await makeModel(model, 1);
  const file = await trainProbes(folder, model, [{ path: 'w', hash: 'sha256:0', use: 'train', examples }], {
    probe: {
      layers: [0, 1],
      window: 4,
      epochs: 12,
      learningRate: 0.02,
      weightDecay: 0.05,
      batchSize: 32,
      seed: 1,
      threads: 1,
    },
    ...{ parts: { holdOut: ['words-4'], similarity: 1 }, maxLength: 64 },
  });
  expect(file.result.auc.exchange!.estimate).toBeGreaterThan(0.9);
  const guard = await openClassifierGuard(folder, { threads: 1 });
  expect(guard.name).toMatch(/^probe:probe@/);
  const answer = async (pieces: readonly string[]): Promise<number> => {
    const screen = await guard.openOutput([{ role: 'user', content: 'the cat sees a dog' }]);
    for (const piece of pieces) await screen.push(piece);
    const { score, stage } = await screen.end();
    expect(stage).toBe('probe');
    return score;
  };
  const bad = 'the old dog sees a bomb under the green tree';
  expect(await answer([bad])).toBeGreaterThan(await answer([bad.replace('bomb', 'river')]));
  // Windows go on over the pieces of a stream.
  expect(await answer([...bad])).toBeCloseTo(await answer([bad]), 5);
  await guard.close();

  await makeModel(model, 2);
  await expect(openClassifierGuard(folder)).rejects.toThrow(/hidden states of another model/);
});
