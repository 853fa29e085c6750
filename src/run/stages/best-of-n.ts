/** The best-of-n stage: the policy answers every prompt N times, and the best answers become a data file. */
import { join, relative } from 'node:path';
import { writeFileAtomic } from '../../base/index.ts';
import type { Example } from '../../data/index.ts';
import { bestOf, type Candidates, sampleBestOfN } from '../../train/index.ts';
import { JsonLinesWriter, readJsonLines } from '../json-lines.ts';
import { loadData } from '../load-data.ts';
import type { StageOf } from '../run-recipe.ts';
import { encodePromptsOf } from './encode-prompts.ts';
import { loadRewards, probesOf } from './reward-source.ts';
import { type StageResult, type StageRun, startModel } from './stage-run.ts';

export async function runBestOfN(options: StageOf<'best-of-n'>, stage: StageRun): Promise<StageResult> {
  const { context, run, seed } = stage;
  const start = await startModel(stage, { from: options.model });
  const rewards = await loadRewards(options, stage, start);
  const { examples, inputs } = await loadData(options.prompts, {
    purpose: `${stage.name} prompts`,
    lines: true,
    folder: context.folder,
    seed,
  });
  await run.recordInputs(inputs);
  const prompts = encodePromptsOf(stage, start, examples, options);

  // Step 1. N answers to each prompt; a line for each batch of prompts, so that an interruption loses none.
  const path = join(context.folder, 'candidates.jsonl');
  const lines = (await readJsonLines(path)).records as { readonly candidates: readonly Candidates[] }[];
  const writer = new JsonLinesWriter(path);
  const { candidates, result } = await sampleBestOfN(
    { ...options, seed, threads: stage.threads },
    {
      config: start.config,
      policy: start.parameters,
      reward: rewards.reward,
      rewardName: rewards.name,
      prompts: prompts.map(({ prompt }) => prompt),
      tokenizer: start.tokenizer,
      stopIds: start.stopIds,
      probes: probesOf(options.prompts),
    },
    context,
    {
      kept: lines.flatMap((line) => line.candidates),
      add: async (batch) => {
        writer.append({ candidates: batch });
        writer.sync();
      },
    },
  ).finally(async () => {
    writer.close();
    await rewards.release();
  });

  // Step 2. The best answers, as a data file like any other, and some of them to look at.
  const best = candidates.flatMap((group) => {
    const place = bestOf(group);
    return place === null ? [] : [{ group, place }];
  });
  const records = best.map(({ group, place }) => ({
    ...recordOf(prompts[group.prompt].example, group.responses[place].trim()),
    reward: group.rewards[place],
  }));
  const data = join(context.folder, 'best-of-n.jsonl');
  await writeFileAtomic(data, records.map((record) => `${JSON.stringify(record)}\n`).join(''));
  best.slice(0, 12).forEach(({ group, place }) => {
    const probes = Object.entries(group.probes).map(([name, values]) => [name, values[place]]);
    context.sample({
      step: options.numGenerations,
      prompt: prompts[group.prompt].prompt.text,
      response: group.responses[place],
      scores: { reward: group.rewards[place] as number, ...Object.fromEntries(probes) },
    });
  });
  return {
    ...result,
    n: options.numGenerations,
    kept: records.length,
    ...rewards.record,
    data: relative(run.path, data),
  };
}

/** A prompt-completion record in the style of its prompt. */
function recordOf(example: Example, answer: string): object {
  const prompt = 'prompt' in example ? example.prompt : '';
  const completion = typeof prompt === 'string' ? answer : [{ role: 'assistant', content: answer }];
  return { prompt, completion };
}
