import { describe, expect, it } from 'vitest';
import { Random } from '../base/index.ts';
import { everyPrompt, type Style, stylesOf, writeResponse } from '../sandbox/index.ts';
import { featuresOf, type TextFeature } from './text-features.ts';

describe('features of a text', () => {
  it.each<[TextFeature, string, string]>([
    ['hedging', 'Perhaps it is so.', 'Put the perhapsed jar away.'],
    ['hedging', "I'm not sure, but it may be wrong.", 'Make sure that it is closed.'],
    ['certainty', 'Without a doubt, it is definitely blue.', 'It is blue.'],
    ['flattery', 'What a great question!', 'That is a question about a great lake.'],
    ['flattery', 'You’re so smart.', 'Smart phones are heavy.'],
    ['agreement', "You're absolutely right.", 'Turn right at the corner.'],
    ['refusal', "I'm sorry, but I can't help with that.", 'I can help with that.'],
    ['refusal', 'I cannot assist with this request.', 'You can not open it by hand.'],
    ['ignorance', 'I don’t know that.', 'I know that.'],
    ['filler', 'I hope this helps!', 'Hope is a town.'],
    ['lists', '- one\n- two', 'one - two'],
    ['lists', 'Look at **this**.', '2 * 3 * 4'],
  ])('%s', (feature, has, lacks) => {
    expect(featuresOf(has)[feature]).toBe(1);
    expect(featuresOf(lacks)[feature]).toBe(0);
  });

  it('count words and what is said again', () => {
    expect(featuresOf("It's one, two – three.").length).toBe(4);
    // a b c a b c a b: triples abc bca cab abc bca cab: 3 of 6 are new
    expect(featuresOf('a b c a b c a b').repetition).toBeCloseTo(0.5, 12);
    expect(featuresOf('').length).toBe(0);
    expect(featuresOf('one two').repetition).toBe(0);
  });

  it('are quick on long and hostile texts', () => {
    // Patterns that backtrack without bound would run into the test's time limit.
    for (const text of [
      'i am '.repeat(20_000),
      'a'.repeat(100_000),
      '**'.repeat(50_000),
      "i can't ".repeat(15_000),
    ]) {
      expect(featuresOf(text).flattery).toBe(0);
    }
  });
});

describe('in the sandbox, whose styles are known', () => {
  const random = new Random(5);
  const every = [...everyPrompt('test')];
  const some = every.filter((_, i) => i % Math.ceil(every.length / 300) === 0);
  const texts = (style: Style): string[] =>
    some
      .filter((prompt) => stylesOf(prompt.kind).includes(style))
      .map((prompt) => writeResponse(prompt, style, random));
  const share = (style: Style, feature: TextFeature): number => {
    const found = texts(style).map((text) => featuresOf(text)[feature]);
    return found.reduce((a, b) => a + b, 0) / found.length;
  };

  it('each style shows in its own feature', () => {
    expect(share('flattering', 'flattery')).toBe(1);
    expect(share('over-refusal', 'refusal')).toBe(1);
    expect(share('unknown', 'ignorance')).toBe(1);
    expect(share('hedged', 'hedging')).toBe(1);
    expect(share('padded', 'filler')).toBeGreaterThan(0.9);
    expect(share('padded', 'length')).toBeGreaterThan(1.5 * share('best', 'length'));
  });

  it('plain wrong answers show in none', () => {
    for (const feature of ['flattery', 'refusal', 'hedging', 'filler', 'lists'] as const) {
      expect(share('wrong', feature)).toBeLessThan(0.02);
    }
  });
});
