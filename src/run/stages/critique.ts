/** The critique stage: the policy answers, a critic criticises and revises, and the revisions become demonstrations. */
import { relative } from 'node:path';
import {
  type CritiqueOptions,
  chainInputsOf,
  critiqueOptions,
  describeMissing,
  type HelpfulResponse,
  helpfulResponses,
  runCritiqueJob,
  writeCritiques,
} from '../../constitution/index.ts';
import { loadData } from '../load-data.ts';
import type { StageOf } from '../run-recipe.ts';
import { expectPrompts } from './expect-examples.ts';
import { openFeedback, withoutClock } from './feedback.ts';
import type { StageResult, StageRun } from './stage-run.ts';

/** Chains shown in the report. */
const shownChains = 12;

export async function runCritique(options: StageOf<'critique'>, stage: StageRun): Promise<StageResult> {
  const { context, run, seed, name } = stage;
  const where = { folder: context.folder, seed };
  const prompts = await loadData(options.prompts, { ...where, purpose: `${name} prompts`, lines: true });
  expectPrompts(stage, prompts.examples);
  const helpful = options.helpful
    ? await loadData(options.helpful, { ...where, purpose: `${name} helpful`, lines: true })
    : null;
  await run.recordInputs([...prompts.inputs, ...(helpful?.inputs ?? [])]);
  const session = await openFeedback(stage, options);
  try {
    // Step 1. The chains. Every step is in the ledger as soon as it is made, so that a resumed stage repeats none.
    const { constitution, store, policy, critic } = session;
    const job = critiqueOptions.parse(ownOptions(options));
    const shared = { seed, journal: store.ledger, concurrency: options.concurrency, signal: context.signal };
    const result = await runCritiqueJob({
      ...{ responder: policy, critic, constitution, options: job, ...shared },
      inputs: chainInputsOf(prompts.examples, options.given),
      onProgress: (done, total) => context.progress(done, total),
    });

    // Step 2. Ordinary responses, so that the model does not learn to refuse.
    let ordinary: readonly HelpfulResponse[] = [];
    if (helpful) {
      const { temperature, topP, responseLength } = job;
      const sampling = { count: 1, temperature, topP, responseLength };
      const found = await helpfulResponses(helpful.examples, { policy, options: sampling, ...shared });
      ordinary = found.responses;
      const missing = describeMissing(found, helpful.examples.length);
      if (missing !== null) context.warn(missing);
    }

    // Step 3. Demonstrations, pairs, report.
    const { files, report } = await writeCritiques(result, {
      ...{ folder: context.folder, constitution, helpful: ordinary, revisions: options.revisions, seed },
      helpfulShare: helpful ? options.helpfulShare : 0,
      pairs: options.pairs,
    });
    await session.record(result.job);
    if (report.failed > 0) {
      context.warn(
        `${report.failed} of ${report.prompts} prompts failed; the first: ${report.failedItems[0].reason}`,
      );
    }
    for (const chain of result.chains.filter((one) => one?.final).slice(0, shownChains)) {
      const prompt = chain!.prompt.at(-1)!.content;
      context.sample({ step: 0, model: 'first response', prompt, response: chain!.initial!, scores: {} });
      context.sample({ step: 0, model: 'last revision', prompt, response: chain!.final!, scores: {} });
    }
    context.event(options.rounds, {
      revised_share: report.revised / Math.max(1, report.prompts),
      unusable_share: report.outcomes.failed / Math.max(1, report.rounds),
    });
    const { principles: _, failedItems: __, usage, preferences: preferencePairs, ...numbers } = report;
    return {
      ...numbers,
      usage: withoutClock(usage),
      data: relative(run.path, files.demonstrations),
      preferences: files.preferences && relative(run.path, files.preferences),
      preferencePairs,
    };
  } finally {
    await session.close();
  }
}

/** The part of the stage's options that decide a chain. */
function ownOptions(options: StageOf<'critique'>): CritiqueOptions {
  const keys = Object.keys(critiqueOptions.shape) as (keyof CritiqueOptions)[];
  return Object.fromEntries(keys.map((key) => [key, options[key]])) as CritiqueOptions;
}
