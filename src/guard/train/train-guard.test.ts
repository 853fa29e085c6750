import { mkdtempSync } from 'node:fs';
import { readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { decoderSpecs, loadModelFolder, scoreHeadName } from '../../model/index.ts';
import { recordContext, temporaryFolder } from '../../train/testing/context.ts';
import type { ClassifierGuard } from '../classifier/classifier-guard.ts';
import type { GuardFile } from '../classifier/guard-file.ts';
import { openClassifierGuard } from '../classifier/open-classifier-guard.ts';
import { readGuardData } from '../data/read-guard-data.ts';
import { evaluateGuard } from '../report/evaluate-guard.ts';
import { wordExamples } from '../testing/words-guard-data.ts';
import { classifierOptions } from './classifier-options.ts';
import { type TrainGuardOptions, trainGuard } from './train-guard.ts';

const options: TrainGuardOptions = {
  classifier: classifierOptions.parse({
    ...{ maxSteps: 80, batchSize: 32, learningRate: 5e-3, threads: 1, loggingSteps: 20 },
    languageModelCoef: 0.02,
    categoryWeight: 2,
  }),
  parts: { holdOut: ['words-4'], similarity: 1 },
  maxLength: 40,
  trunk: { vocabSize: 320, width: 32, layers: 1, heads: 2, maxPositions: 40 },
};
const source = { path: 'words', hash: 'sha256:0', use: 'train', examples: wordExamples(400) } as const;

describe('a guard that was trained on words', () => {
  const home = mkdtempSync(join(tmpdir(), 'tenet-guard-'));
  const folder = join(home, 'guard');
  let file: GuardFile;
  let guard: ClassifierGuard;
  const ask = (text: string) => guard.screenInput([{ role: 'user', content: text }]);
  const answer = async (pieces: readonly string[]): Promise<number[]> => {
    const screen = await guard.openOutput([{ role: 'user', content: 'the cat sees a dog' }]);
    const scores: number[] = [];
    for (const piece of pieces) scores.push((await screen.push(piece)).score);
    scores.push((await screen.end()).score);
    screen.close();
    return scores;
  };

  beforeAll(async () => {
    file = await trainGuard(folder, [source], options, recordContext({ folder: home }));
    guard = await openClassifierGuard(folder, { threads: 1 });
    return async () => {
      await guard.close();
      await rm(home, { recursive: true });
    };
  }, 60_000);

  it('tells what it has not seen, by kind and by category', async () => {
    for (const kind of ['input', 'output', 'exchange'] as const) {
      expect(file.result.auc[kind]!.estimate, kind).toBeGreaterThan(0.97);
    }
    const bad = await ask('a green tree likes the bomb');
    const other = await ask('the dog walks near steal road');
    expect((await ask('a green tree likes the river')).score).toBeLessThan(0.5);
    expect(bad.score).toBeGreaterThan(0.5);
    expect(bad.byPrinciple!.weapons).toBeGreaterThan(bad.byPrinciple!.theft);
    expect(other.byPrinciple!.theft).toBeGreaterThan(other.byPrinciple!.weapons);
  });

  it('flags an answer where the word comes, never takes it back, and says what it has not judged', async () => {
    const scores = await answer(['the cat', ' walks under a ', 'bo', 'mb', ' near the old', ' green house']);
    expect(scores[2]).toBeLessThan(0.5); // the word is not whole yet
    expect(scores[4]).toBeGreaterThan(0.5);
    expect(scores).toEqual([...scores].sort((a, b) => a - b));
    const screen = await guard.openOutput([{ role: 'user', content: 'the cat' }]);
    expect((await screen.push('the cat walks und')).unjudged).toBe(' und'.length);
    expect((await screen.end()).unjudged).toBe(0);
  });

  it('says the same however an answer is cut', async () => {
    const text = 'the old dog sees a small bomb under the tree, and walks';
    const [whole, letters, halves] = [
      await answer([text]),
      await answer([...text]),
      await answer([text.slice(0, 20), text.slice(20)]),
    ];
    expect(letters.at(-1)).toBeCloseTo(whole.at(-1)!, 5);
    expect(halves.at(-1)).toBeCloseTo(whole.at(-1)!, 5);
  });

  it('finds a word far behind what it can read at once, in conversations and answers', async () => {
    const filler = 'the cat walks near a green tree '.repeat(20);
    expect((await ask(`${filler}bomb ${filler}`)).score).toBeGreaterThan((await ask(filler)).score);
    const [bad] = (await answer([`${filler}a small bomb near ${filler}`])).slice(-1);
    const [good] = (await answer([filler])).slice(-1);
    expect(bad).toBeGreaterThan(0.5);
    expect(good).toBeLessThan(bad);
  });

  it('keeps the held-out family for tests, and measures itself on it beside the keywords', async () => {
    const { examples } = await readGuardData(join(folder, 'test.jsonl'));
    expect(new Set(examples.map((example) => example.source))).toEqual(new Set(['words-4']));
    expect(file.parts).toMatchObject({ test: 80, testFamilies: ['words-4'] });
    const report = await evaluateGuard(guard, examples);
    expect(report.guard.measures.exchange.area).toBeNull();
    expect(report.guard.measures.output.area!.estimate).toBeGreaterThan(0.97);
    expect(report.baseline.measures.output.area!.estimate).toBeLessThan(
      report.guard.measures.output.area!.estimate,
    );
    expect(report.guard.thresholds.input).toBe(guard.thresholdFor('input', 0.01));
  });

  it('in int8 says nearly the same', async () => {
    const small = await openClassifierGuard(folder, { threads: 1, precision: 'int8' });
    const [a, b] = await Promise.all(
      [small, guard].map((of) => of.screenInput([{ role: 'user', content: 'a green tree likes the bomb' }])),
    );
    expect(Math.abs(a.score - b.score)).toBeLessThan(0.1);
    expect(a.score).not.toBe(b.score);
    await small.close();
  });

  it('says the same in a thread of its own, of many at once', async () => {
    const other = await openClassifierGuard(folder, { threads: 1, inThread: true });
    expect([other.name, other.thresholds]).toEqual([guard.name, guard.thresholds]);
    const texts = [
      'a green tree likes the bomb',
      'a green tree likes the river',
      'the dog walks near steal road',
    ];
    const here = await Promise.all(texts.map(ask));
    const there = await Promise.all(texts.map((content) => other.screenInput([{ role: 'user', content }])));
    expect(there).toEqual(here);
    const [one, two] = await Promise.all([other.openOutput([]), other.openOutput([])]);
    await Promise.all([one.push('the cat sees a bomb near'), two.push('the cat sees a tree near')]);
    expect((await one.end()).score).toBeGreaterThan((await two.end()).score);
    one.close();
    await expect(one.end()).rejects.toThrow(/closed while it was in use/);
    expect(other.isClosed).toBe(false);
    await other.close();
    expect(other.isClosed).toBe(true);
    await expect(two.end()).rejects.toThrow(/closed while it was in use/);
    await expect(openClassifierGuard(tmpdir(), { inThread: true })).rejects.toThrow(/holds no guard/);
  });

  it('says what is wrong with a folder or an option', async () => {
    await expect(openClassifierGuard(tmpdir())).rejects.toThrow(/holds no guard/);
    await expect(trainGuard(folder, [source], options, recordContext())).rejects.toThrow(/--overwrite/);
    expect(() => guard.thresholdFor('output', 0.3)).toThrow(/has no threshold of exchange for refusing 30 %/);
    const text = await readFile(join(folder, 'guard.json'), 'utf8');
    await writeFile(join(folder, 'guard.json'), text.replace('"theft",', ''));
    await expect(openClassifierGuard(folder)).rejects.toThrow(/the two do not belong together/);
    await writeFile(join(folder, 'guard.json'), text);
    expect(await readdir(folder)).toContain('model.safetensors');
  });
});

it('resumes to the same bits', async () => {
  const short = {
    ...options,
    classifier: { ...options.classifier, maxSteps: 8, saveSteps: 3, loggingSteps: 1 },
  };
  const place = () => join(temporaryFolder(), 'guard');
  const whole = await trainGuard(place(), [source], short, recordContext());
  const stopped = recordContext({ stopAfter: 4 });
  await expect(trainGuard(place(), [source], short, stopped)).rejects.toThrow(/Stopped after step 4 of 8/);
  const resumed = await trainGuard(
    ...([place(), [source], short, recordContext({ folder: stopped.folder, resume: true })] as const),
  );
  expect(resumed.weightsHash).toBe(whole.weightsHash);
});

it('refuses data of one kind', async () => {
  const examples = source.examples.filter(({ harmfulAnswer }) => harmfulAnswer);
  await expect(
    trainGuard(join(tmpdir(), 'never'), [{ ...source, examples }], options, recordContext()),
  ).rejects.toThrow(/input: \d+ harmful and 0 harmless texts; output: .*--harmless FILE/);
});

describe('a guard that goes on', () => {
  const few = { ...options.classifier, maxSteps: 1, batchSize: 8 };

  it('starts from the former one’s decoder, vocabulary and scores of the same names', async () => {
    const home = temporaryFolder();
    const [former, made] = [join(home, 'former'), join(home, 'made')];
    const train = (place: string, more: Partial<TrainGuardOptions>) =>
      trainGuard(place, [source], { ...options, classifier: few, ...more }, recordContext());
    await train(former, {
      kinds: ['output'],
      categories: ['weapons'],
      classifier: { ...few, seed: 7 },
    });
    const file = await train(made, {
      kinds: ['input', 'output'],
      // So small a step that what was there is still there.
      classifier: { ...few, learningRate: 1e-9 },
      trunk: { guard: former },
    });
    expect(file.categories).toEqual(['theft', 'weapons']);
    const [before, after] = [await loadModelFolder(former), await loadModelFolder(made)];
    expect(after.tokenizerFiles.get('tokenizer.json')).toEqual(before.tokenizerFiles.get('tokenizer.json'));
    for (const { name } of decoderSpecs(before.config)) {
      const [old, now] = [before.parameters.view(name), after.parameters.view(name)];
      expect(Math.max(...now.map((value, i) => Math.abs(value - old[i]))), name).toBeLessThan(1e-7);
    }
    const rowOf = ({ parameters, config }: typeof before, row: number): number[] =>
      [...parameters.view(scoreHeadName).subarray(row * config.width, (row + 1) * config.width)].map(
        (value) => Number(value.toFixed(6)),
      );
    // Rows before: output, weapons. Rows after: input, output, theft, weapons.
    expect([rowOf(after, 1), rowOf(after, 3)]).toEqual([rowOf(before, 0), rowOf(before, 1)]);
    expect([rowOf(before, 0), rowOf(before, 1)]).not.toContainEqual(rowOf(after, 0));
  });

  it('screens answers with nothing to say where it has learnt conversations alone', async () => {
    const place = join(temporaryFolder(), 'guard');
    const inputs = { ...options, classifier: few, kinds: ['input'] as const };
    await trainGuard(place, [source], inputs, recordContext());
    const guard = await openClassifierGuard(place, { threads: 1 });
    const screen = await guard.openOutput([{ role: 'user', content: 'the cat' }]);
    expect(await screen.push('a bomb')).toEqual({ score: 0, stage: 'classifier' });
    expect(await screen.end()).toEqual({ score: 0, stage: 'classifier' });
    expect((await guard.screenInput([{ role: 'user', content: 'a bomb' }])).score).toBeGreaterThan(0);
    await guard.close();
  });
});
