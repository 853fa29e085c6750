/** The hybrid stage: a judge's labels and people's become one data file, each item labelled by whom it takes. */
import { join, relative, resolve } from 'node:path';
import { hashFile, TenetError, writeFileAtomic } from '../../base/index.ts';
import { writeRecords } from '../../data/index.ts';
import {
  advanceHybrid,
  type HybridOptions,
  type HybridReport,
  type HybridState,
  hybridOptions,
  judgedItems,
  LabelQueue,
  reportHybrid,
} from '../../feedback/index.ts';
import { openStore, type Store, selectFromLedger } from '../../store/index.ts';
import { labelWorkCommand } from '../label-work.ts';
import { ledgerInput } from '../ledger-input.ts';
import type { StageOf } from '../run-recipe.ts';
import { storeAddress } from './feedback.ts';
import { labelInSandbox } from './hybrid-sandbox.ts';
import { panels } from './rankings.ts';
import type { FinishedStage, StageResult, StageRun } from './stage-run.ts';

export async function runHybrid(options: StageOf<'hybrid'>, stage: StageRun): Promise<StageResult> {
  const { context, run, seed, name, recipe } = stage;
  const { from, job } = labelledBy(options, stage);
  const labels = String(from.result.data);
  const hash = await hashFile(resolve(run.path, labels));
  await run.recordUse(name, { kind: 'data', role: from.type, stage: from.name, path: labels, hash });
  const address = recipe.stages.find((other) => (other.name ?? other.type) === from.name);
  const store = await openStore(
    storeAddress(run.path, address?.type === 'compare' ? address.store : undefined),
  );
  try {
    const items = await judgedItems(store, job);
    const project = options.project ?? `${run.manifest.name}/${name}`;
    const own = ownOptions(options);
    const input = { store, project, items, options: own, seed, guidelineVersion: options.guidelineVersion };

    // Step 1. As far as it goes; simulated people do at once what real ones are waited for.
    let state = await advanceHybrid(input);
    while (state.status === 'waiting') {
      if (context.signal.aborted) throw new TenetError('interrupted', `Stopped in stage "${name}".`);
      if (options.people === 'queue') throw waiting(state, store, project, stage);
      context.progress(state.tasks - state.open, state.tasks);
      await labelInSandbox(new LabelQueue(store, project), {
        ...{ panel: panels[options.panel], seed, signal: context.signal },
      });
      const next = await advanceHybrid(input);
      if (next.status === 'waiting' && next.step === state.step && next.open >= state.open) {
        throw new TenetError(
          'usage',
          `stage "${name}": the ${options.panel} panel has ${panels[options.panel].length} annotators, too few for an overlap of ${options.overlap}.`,
        );
      }
      state = next;
    }

    // Step 2. The labels as data, and how they came about.
    const { report, labels: mixed } = reportHybrid(state.items, state.measured, own);
    const data = join(context.folder, 'labels.jsonl');
    await writeRecords(data, mixed);
    await writeFileAtomic(join(context.folder, 'report.json'), `${JSON.stringify(report, null, 2)}\n`);
    await run.recordInputs([
      ledgerInput(`${name} labels by people`, await selectFromLedger(store, { project })),
    ]);
    warnOf(report, own, context.warn);
    const { calibration } = report.measured;
    context.event(1, {
      judge_agreement: calibration.agreement,
      judge_calibration_error: calibration.before.ece,
      judge_calibration_error_after: calibration.after.ece,
      labels_by_people: report.cost.labelsByPeople,
      label_cost: report.cost.peopleUsd + (report.cost.judgeUsd ?? 0),
      ...(report.audits.agreement && { audit_agreement: report.audits.agreement.estimate }),
    });
    return {
      job,
      ...summaryOf(report),
      rankings: mixed.length,
      data: relative(run.path, data),
    };
  } finally {
    await store.close();
  }
}

/** The compare stage whose labels are shared out, and its job in the ledger. */
function labelledBy(
  { labels }: StageOf<'hybrid'>,
  { finished, name }: StageRun,
): { readonly from: FinishedStage; readonly job: string } {
  const from =
    labels === undefined
      ? finished.findLast(({ type }) => type === 'compare')
      : finished.find((stage) => stage.name === labels);
  if (from?.type === 'compare') return { from, job: String(from.result.job) };
  throw new TenetError(
    'usage',
    `stage "${name}" needs a judge's labels: ${labels === undefined ? 'put a compare stage before it' : `"${labels}" is no compare stage before it`}.`,
  );
}

/** What people are to do now, and how. */
function waiting(
  { step, open, tasks, measured }: Extract<HybridState, { status: 'waiting' }>,
  store: Store,
  project: string,
  { name }: StageRun,
): TenetError {
  const what = {
    sample: 'a sample of the items, drawn by chance, that shows how far the judge can be trusted',
    labels: 'the items that the judge is not trusted with, and audits of some that it is',
    adjudication: 'the items about which the judge and a person disagree',
  }[step];
  const trust =
    measured === null
      ? ''
      : measured.thresholds.high === null
        ? ' The judge is not good enough to label anything alone.'
        : ` The judge labels alone from a confidence of ${measured.thresholds.high.toFixed(3)}.`;
  return new TenetError(
    'interrupted',
    `Stage "${name}" waits for people to label ${what}: ${open} of ${tasks} tasks are open.${trust}\n` +
      `  ${labelWorkCommand(store.url, project, step === 'adjudication')}\n` +
      'labels them here; any number of people may do so at the same time. Then go on with --resume.',
    { details: { step, open, tasks, store: store.url, project } },
  );
}

function warnOf(
  { audits, unlabelled, measured }: HybridReport,
  { target }: HybridOptions,
  warn: (message: string) => void,
): void {
  if (measured.thresholds.high === null) {
    warn(
      `People do not agree with the judge at least ${target} of the time at any confidence, as far as the sample can show; it labels nothing alone.`,
    );
  }
  if (audits.verdict === 'below') {
    warn(
      `Audits: people agree with only ${audits.agreement!.estimate.toFixed(3)} of what the judge labelled alone, and ${target} was wanted. Raise target or calibration.`,
    );
  }
  if (unlabelled > 0) warn(`${unlabelled} items have no label, because too many people skipped them.`);
}

/** What is worth a place in the manifest. */
function summaryOf({ items, placings, sources, unlabelled, measured, audits, cost }: HybridReport): object {
  const { calibration, thresholds } = measured;
  return {
    ...{ items, placings, sources, unlabelled, thresholds, cost },
    calibration: {
      method: calibration.calibrator.method,
      agreement: calibration.agreement,
      eceBefore: calibration.before.ece,
      eceAfter: calibration.after.ece,
    },
    audits: {
      items: audits.items,
      audited: audits.audited,
      agreement: audits.agreement,
      verdict: audits.verdict,
    },
  };
}

function ownOptions(options: StageOf<'hybrid'>): HybridOptions {
  const keys = Object.keys(hybridOptions.shape) as (keyof HybridOptions)[];
  return Object.fromEntries(
    keys.filter((key) => options[key] !== undefined).map((key) => [key, options[key]]),
  ) as unknown as HybridOptions;
}
