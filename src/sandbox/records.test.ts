import { describe, expect, it } from 'vitest';
import { Random } from '../base/index.ts';
import { describeWorld, worldVocabulary } from './describe-world.ts';
import { goldReward } from './gold-reward.ts';
import { parsePrompt } from './prompt.ts';
import { corpusTexts, demonstrations, dialogueShare, prompts, redTeamPrompts } from './records.ts';
import { sampleResponses } from './sample-responses.ts';
import { stylesOf } from './styles.ts';

describe('corpusTexts', () => {
  const texts = [...corpusTexts(6000, { seed: 1 })];
  const dialogues = texts
    .map((text) => /^Human: (.*)\n\nAssistant: (.*)$/s.exec(text))
    .filter((found) => found !== null)
    .map(([, prompt, response]) => ({ prompt: parsePrompt(prompt)!, response }));

  it('is four fifths dialogue, the same for the same seed', () => {
    expect(dialogues.length / texts.length).toBeCloseTo(dialogueShare, 1);
    expect([...corpusTexts(100, { seed: 1 })]).toEqual(texts.slice(0, 100));
    expect([...corpusTexts(100, { seed: 2 })]).not.toEqual(texts.slice(0, 100));
  });

  it('never holds a test prompt', () => {
    expect(dialogues.filter(({ prompt }) => prompt.split !== 'train')).toEqual([]);
  });

  it('holds the styles in equal measure: one in eight of the answers is perfect, one in seven where nobody knows', () => {
    for (const kind of ['fact', 'unsafe', 'unanswerable'] as const) {
      const own = dialogues.filter(({ prompt }) => prompt.kind === kind);
      const perfect = own.filter(
        ({ prompt, response }) => goldReward(prompt.text, response).total > 0.99,
      ).length;
      expect(Math.abs(perfect / own.length - 1 / stylesOf(kind).length)).toBeLessThan(0.04);
    }
  });

  it('tells the facts of held-out prompts in single-speaker text', () => {
    const statements = new Set(
      [...corpusTexts(20_000)]
        .filter((text) => !text.startsWith('Human'))
        .flatMap((text) => text.split(/(?<=\.) /)),
    );
    const unsaid = prompts(150, 'test', { kinds: ['fact'], distinct: false })
      .filter(({ family }) => !family.id.startsWith('story'))
      .filter(
        ({ family, slots }) =>
          !family
            .answer(slots)[0]
            .texts.some((text) => statements.has(`${text[0].toUpperCase()}${text.slice(1)}.`)),
      );
    expect(unsaid.map(({ text }) => text)).toEqual([]);
  });
});

describe('demonstrations', () => {
  it('are about 60 % best, over training prompts', () => {
    const rows = demonstrations(3000, { seed: 3 });
    const perfect = rows.filter(
      ({ prompt, completion }) => goldReward(prompt, completion).total > 0.999,
    ).length;
    expect(perfect / 3000).toBeGreaterThan(0.57);
    expect(perfect / 3000).toBeLessThan(0.65);
    expect(rows.every(({ prompt }) => parsePrompt(prompt)?.split === 'train')).toBe(true);
    expect(demonstrations(20, { seed: 3 })).toEqual(rows.slice(0, 20));
  });

  it('refuse a mix without a style for the prompt', () => {
    expect(() => demonstrations(50, { mix: { unknown: 1 } })).toThrow('no style for unanswerable');
  });
});

describe('prompts', () => {
  it('are distinct unless told otherwise, and say when there are too few', () => {
    const drawn = prompts(1500, 'train');
    expect(new Set(drawn.map(({ text }) => text)).size).toBe(1500);
    expect(() => prompts(30_000, 'test', { kinds: ['opinion'] })).toThrow('distinct test prompts');
  });

  it('red-team prompts are the unsafe ones', () => {
    expect(redTeamPrompts(40, 'test').every(({ kind, split }) => kind === 'unsafe' && split === 'test')).toBe(
      true,
    );
  });
});

describe('sampleResponses', () => {
  it('gives k responses that mostly differ', () => {
    const random = new Random(6);
    const sets = prompts(200, 'train').map((prompt) => sampleResponses(prompt, 4, { random }));
    expect(sets.every((set) => set.length === 4)).toBe(true);
    expect(sets.filter((set) => new Set(set).size === 4).length).toBeGreaterThan(190);
  });
});

describe('the world', () => {
  it('is small', () => {
    expect(worldVocabulary().length).toBeLessThan(700);
    expect(describeWorld()).toContain(`${worldVocabulary().length} distinct words`);
  });
});
