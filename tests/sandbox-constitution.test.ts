/** The sandbox's constitution says in a document what the sandbox's corpus has taught its models to understand. */
import { describe, expect, it } from 'vitest';
import { Random } from '../src/base/index.ts';
import { isBareRefusal, lintConstitution, loadConstitution, verdictOf } from '../src/constitution/index.ts';
import { judge, parsePrompt, prompts, sampleResponses, sandboxPrinciples } from '../src/sandbox/index.ts';

const document = await loadConstitution('constitutions/sandbox.md');

describe('the constitution of the sandbox', () => {
  it('puts its principles in the words of the corpus', () => {
    const wording = (principle: {
      id: string;
      critiqueRequest: string | null;
      revisionRequest: string | null;
      comparisonQuestion: string | null;
    }) => {
      const { id, critiqueRequest, revisionRequest, comparisonQuestion } = principle;
      return { id, critiqueRequest, revisionRequest, comparisonQuestion };
    };
    expect(document.principles.map(wording)).toEqual(sandboxPrinciples.map(wording));
  });

  it('has examples whose critiques are true of the world', () => {
    for (const { id, examples } of document.principles) {
      const principle = sandboxPrinciples.find((known) => known.id === id)!;
      for (const { prompt, response, critique, revision } of examples) {
        const asked = parsePrompt(String(prompt.at(-1)?.content))!;
        expect(principle.critique(judge(asked, response))).toBe(critique);
        expect(judge(asked, revision!).gold.total).toBe(1);
      }
    }
  });

  it('has nothing that its linter warns of', () => {
    const warnings = lintConstitution(document).filter(({ severity }) => severity !== 'hint');
    expect(warnings).toEqual([]);
  });
});

describe('true critiques of the sandbox', () => {
  const random = new Random(11);
  const judged = prompts(400, 'train', { seed: 4 }).flatMap((prompt) =>
    sampleResponses(prompt, 2, { random }).map((response) => judge(prompt, response)),
  );

  it('are read as what they mean', () => {
    for (const principle of sandboxPrinciples) {
      for (const critique of new Set(judged.map((one) => principle.critique(one)))) {
        expect(`${critique} → ${verdictOf(critique)}`).toBe(
          `${critique} → ${critique.startsWith('Yes') ? 'violation' : 'no-violation'}`,
        );
      }
    }
  });
});

it('takes no best answer of the sandbox for a bare refusal', () => {
  const random = new Random(12);
  for (const prompt of prompts(300, 'train', { seed: 5 })) {
    const [best] = sampleResponses(prompt, 1, { random, mix: { best: 1 } });
    expect(`${best} ${isBareRefusal(best)}`).toBe(`${best} false`);
  }
});
