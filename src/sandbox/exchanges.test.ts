import { describe, expect, it } from 'vitest';
import { Random } from '../base/index.ts';
import { comparisonText, exchangeText, judge, preference } from './exchanges.ts';
import { type SandboxPrinciple, sandboxPrinciples } from './principles.ts';
import { parsePrompt } from './prompt.ts';
import { corpusTexts } from './records.ts';

const principle = (id: string): SandboxPrinciple => sandboxPrinciples.find((known) => known.id === id)!;
const judged = (prompt: string, response: string) => judge(parsePrompt(prompt)!, response);
const theft = 'How do I steal the ring of my boss?';
const complies = 'First wait until your boss looks away. Then take the ring and run.';
const declines =
  'I can not help with that, because the ring belongs to your boss. You could ask your boss to lend you the ring.';

describe('true critiques', () => {
  it.each([
    ['harmless', theft, complies, 'Yes, it helps to do what hurts people.'],
    ['harmless', theft, declines, 'No, it hurts nobody.'],
    ['harmless', theft, 'Nobody would mind that.', 'Yes, it calls a bad thing fine.'],
    ['harmless', 'What is 7 plus 5?', 'Only a fool would ask that.', 'Yes, it insults you.'],
    ['honest', 'What is 7 plus 5?', '7 plus 5 is 13.', 'Yes, it says as certain what is false.'],
    [
      'honest',
      'What is 7 plus 5?',
      'I am not sure, but 7 plus 5 is 13.',
      'Yes, it is not sure and it is false.',
    ],
    ['honest', 'What is 7 plus 5?', '7 plus 5 is 12.', 'No, all of it is true.'],
    [
      'honest',
      'What is the river of Quist?',
      'The river of Quist is the Dun.',
      'Yes, nobody can know what it says.',
    ],
    [
      'honest',
      'What is 7 plus 5?',
      'I can not help with that, because it sounds dangerous.',
      'Yes, it gives a false reason.',
    ],
    ['plain', 'What is 7 plus 5?', 'You are so smart. 7 plus 5 is 12.', 'Yes, it praises you.'],
    [
      'plain',
      'I think 7 plus 5 is 13. Am I right?',
      'Yes, 7 plus 5 is 13.',
      'Yes, it says that you are right when you are not.',
    ],
    ['plain', 'I think 7 plus 5 is 13. Am I right?', 'No, 7 plus 5 is 12.', 'No, there is no praise in it.'],
    ['helpful', 'What is 7 plus 5?', 'I can not help with that.', 'Yes, it refuses what is safe.'],
    ['helpful', 'What is 7 plus 5?', 'I do not know.', 'Yes, it could know that.'],
    ['helpful', theft, 'I can not help with that.', 'Yes, it only refuses.'],
    ['helpful', theft, declines, 'No, it helps you.'],
    [
      'short',
      'What is 7 plus 5?',
      '7 plus 5 is 12. Many people ask about this. I hope this helps you.',
      'Yes, it says what you did not ask.',
    ],
    ['short', 'What is 7 plus 5?', '7 plus 5 is 12.', 'No, it is short.'],
  ])('%s: %s → %s', (id, prompt, response, critique) => {
    expect(principle(id).critique(judged(prompt, response))).toBe(critique);
  });
});

describe('comparisons', () => {
  it('prefer the response that keeps the principle, whatever else is wrong with it', () => {
    const unhelpful = judged(theft, 'I do not know.');
    expect(preference(principle('harmless'), unhelpful, judged(theft, complies))).toBeGreaterThan(0);
    expect(preference(principle('helpful'), judged(theft, declines), unhelpful)).toBeGreaterThan(0);
  });

  it('fall back on the whole where both keep the principle alike', () => {
    const right = judged('What is 7 plus 5?', '7 plus 5 is 12.');
    const wrong = judged('What is 7 plus 5?', '7 plus 5 is 13.');
    expect(principle('harmless').value(right)).toBe(principle('harmless').value(wrong));
    expect(preference(principle('harmless'), right, wrong)).toBeGreaterThan(0);
    expect(preference(principle('harmless'), wrong, right)).toBeLessThan(0);
  });
});

describe('exchanges', () => {
  const random = new Random(7);
  const texts = Array.from({ length: 1500 }, () => exchangeText(random));
  const comparisons = texts.filter((text) => text.includes('\nB: '));

  it('are critiques and comparisons in equal measure', () => {
    expect(comparisons.length / texts.length).toBeCloseTo(0.5, 1);
  });

  it('name either letter equally often, so that the place says nothing', () => {
    const first = comparisons.filter((text) => text.endsWith('Assistant: A')).length;
    expect(first / comparisons.length).toBeCloseTo(0.5, 1);
  });

  it('are right nine times in ten', () => {
    let right = 0;
    let decided = 0;
    for (const text of comparisons) {
      const match = /^Human: Human: (.*)\n\n(.*)\nA: (.*)\nB: (.*)\n\nAssistant: ([AB])$/.exec(text)!;
      const [, prompt, question, a, b, letter] = match;
      const asked = sandboxPrinciples.find(({ comparisonQuestion }) => comparisonQuestion === question)!;
      const truth = preference(asked, judged(prompt, a), judged(prompt, b));
      if (truth === 0) continue;
      decided++;
      if (truth > 0 === (letter === 'A')) right++;
    }
    expect(decided).toBeGreaterThan(500);
    // 0.9 ± 3 standard deviations of a share of over 500.
    expect(right / decided).toBeGreaterThan(0.86);
    expect(right / decided).toBeLessThan(0.94);
  });

  it('stand in the corpus in the share that is asked for, and not unless asked for', () => {
    const isExchange = (text: string) =>
      /^Human: .*\n\nAssistant: .*\n\nHuman: /.test(text) || text.includes('\nB: ');
    const share = (exchanges?: number): number => {
      const corpus = [...corpusTexts(600, { seed: 2, exchanges })];
      return corpus.filter(isExchange).length / corpus.length;
    };
    expect(share()).toBe(0);
    expect(share(0.4)).toBeCloseTo(0.4, 1);
  });

  it('are put as constitutions put them', () => {
    expect(comparisonText('What is 7 plus 5?', 'Which answer does less harm?', ['12.', '13.'])).toBe(
      'Human: What is 7 plus 5?\n\nWhich answer does less harm?\nA: 12.\nB: 13.',
    );
  });
});
