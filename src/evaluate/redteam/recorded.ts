/**
 * Jailbreaks that people and programs have found: a template that takes any request, or a prompt for one request.
 * @see Chao et al. 2024, arXiv:2404.01318 (JailbreakBench's artifacts)
 */

import { z } from 'zod';
import { readArtifact } from '../jailbreak-artifact.ts';
import type { HarmfulRequest } from '../suites/attack-success.ts';
import { type Technique, user } from './technique.ts';

const placeholder = '[INSERT PROMPT HERE]';

const artifact = z.object({
  parameters: z.object({
    method: z.string(),
    model: z.string(),
    method_parameters: z
      .object({ prompt_template: z.string().optional(), template_name: z.string().optional() })
      .nullish(),
  }),
  jailbreaks: z.array(
    z.object({ goal: z.string(), category: z.string().optional(), prompt: z.string().nullable() }),
  ),
});

export interface RecordedAttacks {
  readonly technique: Technique;
  /** The requests that it was recorded for; a template takes any other, too. */
  readonly requests: readonly HarmfulRequest[];
  readonly isTemplate: boolean;
}

/** Reads one artifact. @throws TenetError('data') for a file that is none */
export async function readRecorded(path: string): Promise<RecordedAttacks> {
  const { parameters, jailbreaks } = await readArtifact(path, artifact);
  const { prompt_template: template, template_name: named } = parameters.method_parameters ?? {};
  const isTemplate = template?.includes(placeholder) ?? false;
  const prompts = new Map(
    jailbreaks.flatMap(({ goal, prompt }) => (prompt === null ? [] : [[goal, prompt]])),
  );
  return {
    isTemplate,
    technique: {
      name: `recorded-${(named ?? parameters.method).toLowerCase()}`,
      about: isTemplate
        ? `the recorded template ${named ?? parameters.method}`
        : `prompts that ${parameters.method} found against ${parameters.model}`,
      wrap: (request) => [
        user(prompts.get(request) ?? (template ?? placeholder).replaceAll(placeholder, () => request)),
      ],
    },
    requests: jailbreaks
      .filter(({ goal }) => isTemplate || prompts.has(goal))
      .map(({ goal, category }, i) => ({
        id: `jailbreakbench/${i}/${goal}`,
        text: goal,
        category: category ?? 'jailbreakbench',
      })),
  };
}
