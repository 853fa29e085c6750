import { describe, expect, it } from 'vitest';
import { sharedData } from '../../base/testing.ts';
import { loadConstitution, parseConstitution } from '../index.ts';
import type { Finding } from './finding.ts';
import { LINT_RULES, lintConstitution } from './lint.ts';

const shared = sharedData('constitutional-ai/prompts');

/** Findings of one rule in a document made of principles. */
function findings(rule: string, principles: readonly object[], rest: object = {}): Finding[] {
  const text = JSON.stringify({ principles, ...rest });
  expect(LINT_RULES.map(({ name }) => name)).toContain(rule);
  return lintConstitution(parseConstitution(text, 'c.json')).filter((finding) => finding.rule === rule);
}

const example = { prompt: 'Hello', response: 'Go away.', revision: 'Hello!' };

/** For each rule: principles that it finds, and near ones that it leaves alone. */
const cases: readonly [string, readonly object[], readonly object[], object?][] = [
  [
    'vague-words',
    [{ id: 'a', text: 'The response is appropriate.' }],
    [
      { id: 'a', text: 'The response is appropriate.', examples: [example] },
      { id: 'b', text: 'The response is appropriate: for example, it can be read to children.' },
      { id: 'c', text: 'Nobody who follows it is injured.' },
    ],
  ],
  [
    'over-specific',
    [{ id: 'a', text: 'The response has exactly 3 sentences.' }],
    [{ id: 'a', text: 'The response is as short as the question allows, in plain English.' }],
  ],
  [
    'over-specific',
    [{ id: 'a', text: 'The response sounds like Mahatma Gandhi.' }],
    [{ id: 'a', text: 'The Assistant sounds like a friend.' }],
  ],
  [
    'possible-conflict',
    [
      { id: 'a', text: 'Be thorough.' },
      { id: 'b', text: 'Be as concise as you can.' },
    ],
    [
      { id: 'a', text: 'Be thorough.' },
      { id: 'b', text: 'Be concise, yet thorough where it matters.' },
    ],
  ],
  [
    'possible-conflict',
    [
      { id: 'a', text: 'Always mention alcohol limits for drivers.' },
      { id: 'b', text: 'Never mention alcohol limits.' },
    ],
    [
      { id: 'a', text: 'Always mention alcohol limits for drivers.' },
      { id: 'b', text: 'Never mention the weather.' },
    ],
  ],
  [
    'duplicate',
    [
      { id: 'a', text: 'Guard the private data of customers.' },
      { id: 'b', text: "Guard customers' private data." },
    ],
    [
      { id: 'a', text: 'Guard the private data of customers.' },
      { id: 'b', text: 'Speak kindly to customers.' },
    ],
  ],
  [
    'missing-wording',
    [{ id: 'a', text: 'x', critiqueRequest: 'Is it so?', uses: ['critique'] }],
    [{ id: 'a', text: 'x', comparisonQuestion: 'Which one?', uses: ['comparison'] }],
  ],
  [
    'presumed-fault',
    [{ id: 'a', text: 'x', critiqueRequest: 'Identify specific ways in which the response is rude.' }],
    [
      {
        id: 'a',
        text: 'x',
        critiqueRequest: 'Say in which ways the response is rude, or say that it is not.',
      },
    ],
  ],
  [
    'invited-refusal',
    [{ id: 'a', text: 'x', revisionRequest: 'Remove everything dangerous.' }],
    [{ id: 'a', text: 'x', revisionRequest: 'Remove everything dangerous and keep what helped.' }],
  ],
  [
    'named-option',
    [{ id: 'a', text: 'x', comparisonQuestion: 'Is the first response kinder?' }],
    [{ id: 'a', text: 'x', comparisonQuestion: 'Which response is kinder?' }],
  ],
  ['never-used', [{ id: 'a', text: 'x', weight: 0 }], [{ id: 'a', text: 'x', weight: 0.1 }]],
  [
    'unbalanced',
    [{ id: 'a', text: 'Nobody is injured.', tags: ['harm'] }],
    [
      { id: 'a', text: 'Nobody is injured.', tags: ['harm'] },
      { id: 'b', text: 'The answer is of use.', tags: ['helpfulness'] },
    ],
  ],
  [
    'unbalanced',
    [
      { id: 'a', text: 'Nobody is injured.', weight: 20 },
      { id: 'b', text: 'The answer is helpful.' },
    ],
    [
      { id: 'a', text: 'Nobody is injured.', weight: 8 },
      { id: 'b', text: 'The answer is helpful.' },
    ],
  ],
];

describe('the linter', () => {
  it.each(cases)('%s finds what it is for and leaves its neighbours alone', (rule, bad, good) => {
    const found = findings(rule, bad);
    expect(found).toHaveLength(1);
    expect(found[0].suggestion).not.toBe('');
    expect(found[0].place).toMatch(/^c\.json(:1)?$/);
    expect(findings(rule, good)).toEqual([]);
  });

  it('takes no pair for a conflict that a priority decides', () => {
    const pair = [
      { id: 'a', text: 'Be thorough.', tags: ['completeness'] },
      { id: 'b', text: 'Be as concise as you can.', tags: ['style'] },
    ];
    expect(findings('possible-conflict', pair)).toHaveLength(1);
    expect(findings('possible-conflict', pair, { priorities: ['style', 'completeness'] })).toEqual([]);
  });

  it('names the categories that nothing covers, by tags or by words', () => {
    const about = (principles: readonly object[]): string[] =>
      findings('no-coverage', principles).map(({ message }) => /about (\w+):/.exec(message)![1]);
    expect(about([{ id: 'a', text: 'Say what is true.' }])).toEqual([
      ...['harm', 'privacy', 'uncertainty', 'autonomy', 'bias', 'legality', 'respect'],
    ]);
    expect(about([{ id: 'a', text: 'Say what is true.', tags: ['privacy'] }])).toEqual([
      ...['harm', 'honesty', 'uncertainty', 'autonomy', 'bias', 'legality', 'respect'],
    ]);
  });

  it('leaves English word lists alone in other languages', () => {
    const german = parseConstitution('language: de\nprinciples: [{ id: a, text: Sei nett. }]', 'c.yaml');
    const rules = lintConstitution(german).map(({ rule }) => rule);
    expect(rules).toEqual(['no-version', 'missing-wording']);
  });

  it('orders findings as the file reads', () => {
    const text =
      '---\nversion: 1.0.0\n---\n## `a`\n\nBe safe.\n\n## `b`\n\nBe good.\n\n## `c`\n\nBe helpful.\n';
    const lines = lintConstitution(parseConstitution(text, 'c.md')).map(({ place }) =>
      Number(place.split(':')[1] ?? 0),
    );
    expect(lines).toEqual(lines.toSorted((a, b) => a - b));
    expect(new Set(lines)).toEqual(new Set([0, 4, 6, 8, 10, 12]));
  });

  it('has nothing to say about the default constitution', async () => {
    expect(lintConstitution(await loadConstitution('default'))).toEqual([]);
  });

  it.skipIf(shared === null)(
    'finds the repeated principles among the prompts of Bai et al. 2022',
    async () => {
      const found = lintConstitution(await loadConstitution(shared!)).filter(
        ({ rule }) => rule === 'duplicate',
      );
      // Read by eye: 0, 6 and 15 list the same harms; questions 1 and 13 both ask for helpful, honest and harmless.
      expect(found.map(({ principles }) => principles.join(' '))).toEqual([
        'harmful0 harmful6',
        'harmful0 harmful15',
        'comparison1 comparison13',
      ]);
    },
  );
});
