/** The kto stage: loads judged responses, or takes comparisons apart into them, trains the policy, saves it. */
import type { CompletionExample, EncodedJudged, Encoder, Example, RankingExample } from '../../data/index.ts';
import { trainKto } from '../../train/index.ts';
import { holdOut, loadData } from '../load-data.ts';
import type { StageOf } from '../run-recipe.ts';
import { loadComparisons } from './comparisons.ts';
import { expectKinds, reportLosses } from './expect-examples.ts';
import { finite } from './pretrain.ts';
import {
  encoderFor,
  finishModel,
  type StageResult,
  type StageRun,
  settingsOf,
  startModel,
} from './stage-run.ts';

export async function runKto(options: StageOf<'kto'>, stage: StageRun): Promise<StageResult> {
  const { context, run, seed } = stage;
  const start = await startModel(stage, { from: options.model, adapter: options.adapter });

  // Step 1. Judged responses, some of them held out, all responses to a prompt together.
  const { examples, inputs } = options.data
    ? await loadData(options.data, { purpose: `${stage.name} data`, folder: context.folder, seed })
    : await loadComparisons(undefined, stage);
  if (options.data) await run.recordInputs(inputs);
  const judged = judgedResponses(stage, examples, context.warn);
  const { train, heldOut } = holdOut(judged, options.heldOut, seed);

  // Step 2. In tokens.
  const maxLength = Math.min(options.maxLength, start.config.maxPositions);
  const encoder = encoderFor(stage, start.tokenizer, maxLength);
  const encoded = encodeJudged(encoder, train);
  reportLosses(stage, encoder, encoded, maxLength);

  // Step 3. Train.
  const result = await trainKto(
    { ...options, maxLength, seed, threads: stage.threads },
    {
      config: start.config,
      parameters: start.parameters,
      judged: encoded,
      heldOut: encodeJudged(encoder, heldOut),
    },
    context,
  );
  const made = await finishModel(stage, start, {
    head: 'causal',
    settings: settingsOf(options),
    metrics: finite({ ...result }),
    data: inputs,
  });
  return { ...result, responses: encoded.length, ...made };
}

function encodeJudged(encoder: Encoder, examples: readonly CompletionExample[]): EncodedJudged[] {
  return examples.flatMap((example) => encoder.encodeJudged(example) ?? []);
}

/**
 * Judged responses of any data that has them.
 * @param warn told when examples are left out
 */
export function judgedResponses(
  stage: Pick<StageRun, 'name'>,
  examples: readonly Example[],
  warn: (message: string) => void,
): CompletionExample[] {
  expectKinds(stage, examples, ['completion', 'ranking']);
  const judged = examples.flatMap((example): CompletionExample[] => {
    if (example.kind === 'ranking') return judgementsOf(example);
    return example.kind === 'completion' && example.label !== undefined ? [example] : [];
  });
  const left = examples.filter((example) => example.kind === 'completion' && example.label === undefined);
  if (left.length > 0) {
    warn(
      `${left.length} of ${examples.length} examples have no label that says whether they are desirable, and are left out.`,
    );
  }
  return judged;
}

/** Of a ranking, each response that beats more of the others than beat it is desirable, and the other way round. */
function judgementsOf({
  prompt,
  responses,
  ranks,
  tools,
  chat_template_kwargs,
}: RankingExample): CompletionExample[] {
  const extras = { ...(tools && { tools }), ...(chat_template_kwargs && { chat_template_kwargs }) };
  return responses.flatMap((completion, i): CompletionExample[] => {
    const own = ranks[i];
    if (own === null) return [];
    const balance = ranks.reduce<number>((sum, rank) => sum + (rank === null ? 0 : Math.sign(rank - own)), 0);
    return balance === 0 ? [] : [{ kind: 'completion', prompt, completion, label: balance > 0, ...extras }];
  });
}
