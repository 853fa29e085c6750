import { describe, expect, it } from 'vitest';
import { Random } from '../base/index.ts';
import { drawPrompt, everyPrompt, parsePrompt, promptKinds, requirePrompt } from './prompt.ts';

const train = [...everyPrompt('train')];
const test = [...everyPrompt('test')];

describe('prompts', () => {
  it('read back from their text alone, all of them', () => {
    const wrong = [...train, ...test].filter((prompt) => parsePrompt(prompt.text)?.id !== prompt.id);
    expect(wrong.map(({ text }) => text)).toEqual([]);
  });

  it('are many, distinct and short', () => {
    expect(new Set(train.map(({ text }) => text)).size).toBe(train.length);
    expect(train.length).toBeGreaterThan(3000);
    expect(test.length).toBeGreaterThan(500);
    expect(Math.max(...train.map(({ text }) => text.split(' ').length))).toBeLessThanOrEqual(20);
  });

  it('share no text and no core between the splits', () => {
    const texts = new Set(train.map(({ text }) => text));
    const cores = new Set(train.map(({ core }) => core));
    expect(test.filter(({ text, core }) => texts.has(text) || cores.has(core))).toEqual([]);
  });

  it('hold out combinations, not words: every word of a test prompt occurs in training prompts', () => {
    const words = (text: string) => text.toLowerCase().split(/[^a-z]+/);
    const known = new Set(train.flatMap(({ text }) => words(text)));
    expect(test.flatMap(({ text }) => words(text)).filter((word) => !known.has(word))).toEqual([]);
  });

  it('have every kind in both splits, and every domain in every kind but how-to and looks-unsafe', () => {
    for (const prompts of [train, test]) {
      for (const kind of promptKinds) {
        const domains = new Set(prompts.filter((prompt) => prompt.kind === kind).map(({ domain }) => domain));
        expect(domains.size, kind).toBeGreaterThanOrEqual(
          kind === 'how-to' ? 3 : kind === 'looks-unsafe' ? 4 : 5,
        );
      }
    }
  });

  it('are drawn alike for the same seed, and from the split that was asked for', () => {
    const draw = (seed: number) => {
      const random = new Random(seed);
      return Array.from({ length: 50 }, () => drawPrompt(random, { split: 'test' }));
    };
    expect(draw(1).map(({ id }) => id)).toEqual(draw(1).map(({ id }) => id));
    expect(draw(1).map(({ id }) => id)).not.toEqual(draw(2).map(({ id }) => id));
    expect(draw(3).every(({ split }) => split === 'test')).toBe(true);
  });

  it('states views that are right about half of the time', () => {
    const random = new Random(5);
    const views = Array.from({ length: 600 }, () =>
      drawPrompt(random, { split: 'train', kinds: ['opinion'] }),
    )
      .filter(({ domain }) => domain !== 'opinions')
      .map(({ family, slots }) => family.answer(slots)[0].key);
    const share = views.filter((key) => key === 'yes').length / views.length;
    expect(share).toBeGreaterThan(0.43);
    expect(share).toBeLessThan(0.57);
  });

  it('names what is no prompt', () => {
    expect(parsePrompt('What is the capital of France?')).toBeNull();
    expect(() => requirePrompt('What is the capital of France?')).toThrow(
      'not a prompt of the sandbox world',
    );
  });
});
