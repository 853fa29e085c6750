/** Estimates of the stages in which models judge under a constitution. */
import { TenetError } from '../../base/index.ts';
import { loadConstitution, principlesFor } from '../../constitution/index.ts';
import type { StageOf } from '../run-recipe.ts';
import type { PlannedModel } from './planned-model.ts';
import { generatorMemory, generatorRows, promptSizes } from './sampling.ts';
import { meanOf, type PlannedStage, type StageDraft } from './stage-estimate.ts';
import { addWork, forwardWork, generationWork, noWork, type Work } from './work.ts';

/** The critic is null where it computes elsewhere. */
interface FeedbackModels {
  readonly policy: PlannedModel;
  readonly critic: PlannedModel | null;
}

/** Tokens of a request or question around what it is about; those of the default constitution have about 60 words. */
const requestTokens = 80;

export async function estimateCritique(
  options: StageOf<'critique'>,
  stage: PlannedStage,
  { policy, critic }: FeedbackModels,
): Promise<StageDraft> {
  const prompts = await promptSizes(options, stage, policy);
  const promptTokens = meanOf(prompts.lengths);
  const { count, responseTokens } = prompts;
  const constitution = await loadConstitution(options.constitution ?? 'default');
  const principles = principlesFor(constitution, 'critique').length;
  const first = options.given ? 0 : count;
  const critiqueTokens = options.directRevision ? 0 : options.critiqueLength;
  const asked = promptTokens + responseTokens + requestTokens;
  const steps = count * options.rounds;
  // Every round: a critique, a revision behind it, and the yes/no checks, each asked in two ways.
  const judging = (model: PlannedModel): Work =>
    addWork(
      critiqueTokens === 0
        ? noWork
        : generationWork(model.shape, { sequences: steps, promptTokens: asked, newTokens: critiqueTokens }),
      generationWork(model.shape, {
        sequences: steps,
        promptTokens: asked + critiqueTokens + requestTokens,
        newTokens: responseTokens,
      }),
      options.principles === 'violated' ? readingWork(model, steps * principles * 2, asked) : noWork,
    );
  return {
    model: policy,
    besides: [
      criticWords('critic', policy, critic),
      `constitution: ${constitution.name}, ${principles} principles`,
    ],
    data: prompts.data,
    sampling: {
      prompts: count,
      responses: first + steps * (options.directRevision ? 1 : 2),
      promptTokens,
      responseTokens,
    },
    memory: generatorMemory(policy, prompts, asked + critiqueTokens + responseTokens),
    work: [
      {
        model: policy,
        work: generationWork(policy.shape, { sequences: first, promptTokens, newTokens: responseTokens }),
      },
      ...(critic ? [{ model: critic, work: judging(critic) }] : []),
    ],
    decodeRows: Math.min(generatorRows, options.concurrency),
    notes: [...prompts.notes, ...elsewhere(critic), 'Answers that are asked for again are not counted.'],
    made: {
      best: {
        answers: options.helpful ? Math.round(count / (1 - options.helpfulShare)) : count,
        promptTokens,
        responseTokens,
      },
      ...(options.pairs && { rankings: { rankings: count, responses: 2, promptTokens, responseTokens } }),
    },
  };
}

export async function estimateCompare(
  options: StageOf<'compare'>,
  stage: PlannedStage,
  { policy, critic }: FeedbackModels,
): Promise<StageDraft> {
  const prompts = await promptSizes(options, stage, policy);
  const promptTokens = meanOf(prompts.lengths);
  const { count, responseTokens } = prompts;
  const { responses } = options;
  const constitution = await loadConstitution(options.constitution ?? 'default');
  const principles = principlesFor(constitution, 'comparison').length;
  const pairs = (count * responses * (responses - 1)) / 2;
  const asked = options.principles === 'random' ? 1 : principles;
  const again = Math.min(pairs, options.recheck);
  const isPointwise = options.judging === 'pointwise';
  // Pointwise, a response is asked about once for all its pairs.
  const questions = isPointwise
    ? (count * responses + 2 * again) * asked
    : (pairs + again) * asked * (options.order === 'both' ? 2 : 1);
  const questionTokens = promptTokens + (isPointwise ? 1 : 2) * responseTokens + requestTokens;
  const judging = (model: PlannedModel): Work =>
    options.chainOfThought
      ? addWork(
          generationWork(model.shape, {
            sequences: questions,
            promptTokens: questionTokens,
            newTokens: options.reasoningLength,
          }),
          readingWork(model, questions, questionTokens + options.reasoningLength),
        )
      : readingWork(model, questions, questionTokens);
  return {
    model: policy,
    besides: [
      criticWords('judge', policy, critic),
      `constitution: ${constitution.name}, ${principles} principles`,
    ],
    data: prompts.data,
    sampling: { prompts: count, responses: count * responses, promptTokens, responseTokens },
    memory: generatorMemory(policy, prompts, questionTokens),
    work: [
      {
        model: policy,
        work: generationWork(policy.shape, {
          ...{ sequences: count * responses, promptTokens, newTokens: responseTokens, perPrompt: responses },
        }),
      },
      ...(critic ? [{ model: critic, work: judging(critic) }] : []),
    ],
    decodeRows: Math.min(generatorRows, options.concurrency * responses),
    notes: [
      ...prompts.notes,
      ...elsewhere(critic),
      ...(options.principles === 'tiers'
        ? ['Every tier is taken to be asked; most pairs are decided before.']
        : []),
    ],
    made: {
      rankings: {
        rankings: options.human ? Math.round(count / (1 - options.humanShare)) : count,
        responses,
        promptTokens,
        responseTokens,
      },
    },
  };
}

/** People's time and a little arithmetic: nothing that the engine computes. */
export function estimateHybrid(
  options: StageOf<'hybrid'>,
  { before, name }: PlannedStage,
  model: PlannedModel,
): StageDraft {
  const { rankings } = before;
  if (!rankings) {
    throw new TenetError(
      'usage',
      `stage "${name}" has no judge's labels to share out: put a compare stage before it.`,
    );
  }
  const sample = Math.min(options.calibration, rankings.rankings);
  return {
    model,
    besides: [
      `people: ${options.people === 'sandbox' ? `the sandbox's ${options.panel} panel` : 'by the label queue'}`,
    ],
    data: [],
    memory: {},
    work: [],
    notes: [
      `People label ${sample} of ${rankings.rankings} items first, and then what the judge is not trusted with, which only the sample shows; their time is not counted.`,
    ],
    made: { rankings },
  };
}

/** Texts that are read for the probabilities of what follows. */
function readingWork({ shape }: PlannedModel, texts: number, tokens: number): Work {
  return forwardWork(shape, { tokens: texts * tokens, pairs: texts * tokens ** 2, counted: texts });
}

function criticWords(role: string, policy: PlannedModel, critic: PlannedModel | null): string {
  if (critic === null) return `${role}: computes elsewhere`;
  return critic === policy ? `${role}: ${policy.name} itself` : `${role}: ${critic.name}`;
}

function elsewhere(critic: PlannedModel | null): string[] {
  return critic === null ? ['Time that the other model takes is not counted.'] : [];
}
