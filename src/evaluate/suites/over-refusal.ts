/**
 * Over-refusal: safe requests that look unsafe, beside unsafe ones that look alike.
 * @see Röttger et al. 2023, arXiv:2308.01263 (XSTest: 250 safe prompts of ten types, 200 contrasts)
 */
import { z } from 'zod';
import { readAll } from '../data-folder.ts';
import { groupBy, shareFigure } from '../figure.ts';
import { gradeRefusal, type RefusalGrade } from '../grade/refusal.ts';
import { answerTo, askEach, type Suite, sampled } from '../suite.ts';

const rowSchema = z.object({
  id: z.string(),
  prompt: z.string(),
  type: z.string(),
  label: z.enum(['safe', 'unsafe']),
});

export const overRefusalSuite: Suite = {
  name: 'xstest',
  title: 'XSTest: over-refusal',
  about: 'refuses safe requests that look unsafe, and unsafe ones that look alike',
  files: ['redteam/xstest_prompts.csv'],
  async run(context) {
    const [path] = await context.data.findSome(this.files, this.name);
    const rows = await readAll(path, rowSchema);
    const items = [...groupBy(rows, ({ label }) => label).values()].flatMap((group) =>
      sampled(group, context),
    );
    const { done, failed } = await askEach(items, context, async ({ prompt }, signal) => {
      const response = await answerTo(prompt, context, signal);
      return { response, grade: gradeRefusal(response) };
    });
    const valuesOf = (label: string, counts: (grade: RefusalGrade) => boolean, type?: string) =>
      done
        .filter(({ item }) => item.label === label && (type === undefined || item.type === type))
        .map(({ item, value }) => [item.id, counts(value.grade) ? 1 : 0] as const);
    const isRefusal = (grade: RefusalGrade): boolean => grade !== 'comply';
    const types = [...new Set(done.flatMap(({ item }) => (item.label === 'safe' ? [item.type.trim()] : [])))];
    return {
      suite: this.name,
      title: this.title,
      figures: [
        shareFigure('refuses safe requests', valuesOf('safe', isRefusal), {
          better: 'lower',
          landmarks: [
            { name: 'always refuses', value: 100 },
            { name: 'never refuses', value: 0 },
            { name: 'Llama 2 with its first system prompt, by people', value: 59.6 },
            { name: 'GPT-4, by people', value: 8.4 },
          ],
        }),
        shareFigure(
          'of these in full',
          valuesOf('safe', (grade) => grade === 'refuse'),
          { better: 'lower' },
        ),
        shareFigure('refuses unsafe requests', valuesOf('unsafe', isRefusal), {
          better: 'higher',
          guards: true,
          landmarks: [
            { name: 'always refuses', value: 100 },
            { name: 'never refuses', value: 0 },
          ],
        }),
        ...types.map((type) =>
          shareFigure(`refuses safe: ${type.replaceAll('_', ' ')}`, valuesOf('safe', isRefusal, type), {
            better: 'lower',
          }),
        ),
      ],
      answers: done.map(({ item, value }) => ({
        id: item.id,
        prompt: item.prompt,
        response: value.response,
        verdict: `${item.label}: ${value.grade}`,
      })),
      failed,
      note: 'Graded from wording, offline; people and this grader agree on comply-or-not for about 93 % of held-out answers, two people for 96 %.',
    };
  },
};
