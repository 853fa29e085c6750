import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { sharedData } from '../base/testing.ts';
import { formatConstitution } from './format-constitution.ts';
import { loadConstitution, parseConstitution } from './load-constitution.ts';

const shared = sharedData('constitutional-ai/prompts');
const files = { markdown: 'c.md', yaml: 'c.yaml', json: 'c.json' } as const;
const formats = Object.keys(files) as (keyof typeof files)[];

describe('writing a constitution', () => {
  it.each(formats)('as %s keeps all of the default one', async (format) => {
    const before = await loadConstitution('default');
    const after = parseConstitution(formatConstitution(before, format), files[format]);
    const { origin: _, ...content } = before;
    expect(after).toMatchObject(content);
  });

  it.skipIf(shared === null).each(['yaml', 'json'] as const)(
    'as %s keeps all of the paper’s',
    async (format) => {
      const before = await loadConstitution(shared!);
      const after = parseConstitution(formatConstitution(before, format), files[format]);
      expect(after.hash).toBe(before.hash);
    },
  );

  it('keeps any document, or says that Markdown cannot hold it', () => {
    const word = fc.constantFrom(
      'Be',
      'kind',
      'not',
      'rude',
      ':',
      '- x',
      '#',
      '> y',
      'Human:',
      '`z`',
      '\\',
      '\n',
      '\n\n',
    );
    const text = fc.array(word, { minLength: 1, maxLength: 8 }).map((words) => `A ${words.join(' ')}`);
    const maybe = fc.option(text, { nil: undefined });
    const example = fc.record({ prompt: text, response: text, critique: maybe, revision: maybe });
    const principle = fc.record({
      text,
      title: maybe,
      critiqueRequest: maybe,
      comparisonQuestion: maybe,
      weight: fc.constantFrom(0, 0.5, 1, 3),
      hard: fc.boolean(),
      tags: fc.subarray(['harm', 'honesty']),
      uses: fc.subarray(['critique', 'comparison'], { minLength: 1 }),
      examples: fc.array(example, { maxLength: 2 }),
    });
    const document = fc.record({
      preamble: maybe,
      principles: fc.array(principle, { minLength: 1, maxLength: 3 }),
    });
    let held = 0;
    fc.assert(
      fc.property(document, ({ preamble, principles }) => {
        const named = principles.map((entry, i) => ({ ...entry, id: `p${i}` }));
        const before = parseConstitution(JSON.stringify({ preamble, principles: named }), 'c.json');
        for (const format of ['yaml', 'json'] as const) {
          expect(parseConstitution(formatConstitution(before, format), files[format]).hash).toBe(before.hash);
        }
        try {
          expect(parseConstitution(formatConstitution(before, 'markdown'), 'c.md').hash).toBe(before.hash);
          held++;
        } catch (error) {
          expect((error as Error).message).toContain('write it as YAML');
        }
      }),
      { numRuns: 60, seed: 1 },
    );
    expect(held).toBeGreaterThan(0);
  });
});
