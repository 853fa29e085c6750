/** The rankings stage: the policy answers prompts K times, and the sandbox's annotators rank the answers. */
import { join, relative } from 'node:path';
import { canonicalJson, hashOf, TenetError, writeFileAtomic } from '../../base/index.ts';
import { Generator } from '../../model/index.ts';
import { annotate, biasedPanel, judgingMs, type RankingRecord, typicalPanel } from '../../sandbox/index.ts';
import { type NewEvent, openStore, selectFromLedger } from '../../store/index.ts';
import { drawsFor } from '../../train/index.ts';
import { ledgerInput } from '../ledger-input.ts';
import { loadData } from '../load-data.ts';
import type { StageOf } from '../run-recipe.ts';
import { encodePrompts } from './encode-prompts.ts';
import { storeAddress } from './feedback.ts';
import { type StageResult, type StageRun, sampled, startModel } from './stage-run.ts';

export const panels = { typical: typicalPanel, biased: biasedPanel } as const;

export async function runRankings(options: StageOf<'rankings'>, stage: StageRun): Promise<StageResult> {
  const { context, run, seed } = stage;
  if (options.prompts.sandbox !== 'prompts') {
    throw new TenetError(
      'usage',
      `stage "${stage.name}": simulated annotators can only judge prompts of the sandbox; set prompts: { sandbox: prompts }, ` +
        'or give the reward stage a data file with rankings made by people.',
    );
  }
  const start = await startModel(stage, { from: options.model });
  const { examples, inputs } = await loadData(options.prompts, {
    purpose: `${stage.name} prompts`,
    lines: true,
    folder: context.folder,
    seed,
  });
  await run.recordInputs(inputs);

  // Step 1. K responses to each prompt.
  const prompts = encodePrompts(stage, start, examples, options);
  const random = drawsFor(seed, 'rankings', 0);
  const requests = prompts.flatMap(({ ids }) =>
    Array.from({ length: options.responses }, () => ({
      prompt: ids,
      maxNewTokens: options.responseLength,
      temperature: options.temperature,
      stopIds: start.stopIds,
      seed: random.uint32(),
    })),
  );
  const generator = await Generator.create(start.config, start.parameters, { threads: stage.threads });
  let done = 0;
  const sampling = generator.generate(requests, {
    signal: context.signal,
    onFinish: () => context.progress(++done, requests.length),
  });
  const generations = await sampled(stage, sampling).finally(() => generator.release());
  const items = prompts.map(({ text }, i) => ({
    prompt: text,
    responses: generations
      .slice(i * options.responses, (i + 1) * options.responses)
      .map(({ ids }) => start.tokenizer.decode(Array.from(ids), { skipSpecialTokens: true }).trim()),
  }));

  // Step 2. The annotators' rankings: in the ledger, as labels of people are, and as a data file like any other.
  const records = annotate(items, { panel: panels[options.panel], seed, overlap: options.overlap });
  await keepLabels(records, stage, { ...options, start: start.parameters.hash() });
  const path = join(context.folder, 'rankings.jsonl');
  await writeFileAtomic(path, records.map((record) => `${JSON.stringify(record)}\n`).join(''));
  const hours = records.reduce((sum, one) => sum + judgingMs(one.prompt, one.responses), 0) / 3_600_000;
  return {
    prompts: prompts.length,
    rankings: records.length,
    panel: options.panel,
    cost: { labelsByPeople: records.length, hours, peopleUsd: hours * options.ratePerHour },
    data: relative(run.path, path),
  };
}

/** Writes the labels to the run's ledger; those that an interrupted start wrote are not written twice. */
async function keepLabels(
  records: readonly RankingRecord[],
  { run, seed, name }: StageRun,
  decides: object,
): Promise<void> {
  const hash = hashOf(canonicalJson({ ...decides, seed })).slice('sha256:'.length);
  const project = `rankings-${hash.slice(0, 12)}`;
  const events = records.map(
    ({ prompt, responses, ranks, annotator, itemIndex }): NewEvent => ({
      id: `${project}/${annotator}/${itemIndex}`,
      kind: 'label',
      judge: { kind: 'simulated', id: annotator },
      project,
      item: { prompt, responses: responses.map((text) => ({ text })) },
      ranks,
      activeMs: judgingMs(prompt, responses),
    }),
  );
  const store = await openStore(storeAddress(run.path, undefined));
  try {
    const atOnce = 500;
    for (let i = 0; i < events.length; i += atOnce) await store.ledger.append(events.slice(i, i + atOnce));
    await run.recordInputs([ledgerInput(`${name} labels`, await selectFromLedger(store, { project }))]);
  } finally {
    await store.close();
  }
}
