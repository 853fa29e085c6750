/** What the stages in which models judge share: their models, the constitution, the ledger, and the record of them. */
import { join, resolve } from 'node:path';
import { exists, TenetError } from '../../base/index.ts';
import { type Constitution, loadConstitution } from '../../constitution/index.ts';
import { type LanguageModel, openModel, type Usage } from '../../llm/index.ts';
import { openStore, type Store, selectFromLedger } from '../../store/index.ts';
import { ledgerInput } from '../ledger-input.ts';
import type { InputRecord } from '../manifest.ts';
import { resolveModelSpec } from '../resolve-model-spec.ts';
import { findModel, type StageRun, startModel } from './stage-run.ts';

/** Everything that such a stage opens, to be closed together. */
export interface FeedbackSession {
  readonly constitution: Constitution;
  readonly store: Store;
  /** Answers the prompts. */
  readonly policy: LanguageModel;
  /** Criticises or compares. */
  readonly critic: LanguageModel;
  /** Records the constitution and the events of a job as inputs of the run. */
  record(job: string): Promise<void>;
  close(): Promise<void>;
}

export async function openFeedback(
  stage: StageRun,
  options: {
    readonly model?: string;
    readonly critic?: string;
    /** What the critic is called in the run's record. Default `critic`. */
    readonly role?: string;
    readonly constitution?: string;
    readonly store?: string;
  },
): Promise<FeedbackSession> {
  const { run, name } = stage;
  const constitution = await loadConstitution(options.constitution ?? 'default');
  const start = await startModel(stage, { from: options.model });
  const store = await openStore(storeAddress(run.path, options.store));
  const models = new Map<string, LanguageModel>();
  const open = async (spec: string): Promise<LanguageModel> => {
    const known = models.get(spec);
    if (known) return known;
    // What a local model says is kept in the ledger, and costs nothing to say again.
    const cache = spec.startsWith('local:') ? undefined : store.calls;
    const model = await openModel(spec, { cache, engine: { threads: stage.threads } });
    models.set(spec, model);
    return model;
  };
  const close = async (): Promise<void> => {
    for (const model of models.values()) await model.close();
    await store.close();
  };
  try {
    const policySpec = `local:${start.folder}`;
    const policy = await open(policySpec);
    const critic = await open(
      options.critic === undefined
        ? policySpec
        : await criticSpec(stage, options.critic, options.role ?? 'critic'),
    );
    return {
      ...{ constitution, store, policy, critic, close },
      async record(job) {
        await run.recordInputs([
          constitutionInput(constitution, `${name} constitution`),
          ledgerInput(`${name} labels`, await selectFromLedger(store, { project: job })),
        ]);
      },
    };
  } catch (error) {
    await close();
    throw error;
  }
}

/** A constitution as an input of a run. @param name what the run uses it for */
export function constitutionInput(constitution: Constitution, name: string): InputRecord {
  const { hash, version, origin, principles } = constitution;
  return {
    ...{ kind: 'constitution', name, path: resolve(origin.file), hash },
    ...(version !== null && { version }),
    note: `${constitution.name}, ${principles.length} principles`,
  };
}

/** A stage's name or a model's, as `openModel` understands it. */
export async function criticSpec(stage: StageRun, critic: string, role: string): Promise<string> {
  const made = stage.finished.find(({ name }) => name === critic);
  if (made) {
    const { folder } = findModel(stage, critic, 'causal');
    const { folder: path, weights: hash } = made.result.model!;
    await stage.run.recordUse(stage.name, { kind: 'model', role, stage: critic, path, hash });
    return `local:${folder}`;
  }
  if (!critic.includes(':') && !(await exists(critic))) {
    const known = stage.finished
      .filter(({ result }) => result.model?.head === 'causal')
      .map(({ name }) => name);
    throw new TenetError(
      'usage',
      `stage "${stage.name}": "${critic}" is neither an earlier stage (${known.join(', ') || 'there is none'}) nor a model ` +
        'such as openai:gpt-4.1-mini or local:<folder>.',
    );
  }
  return resolveModelSpec(critic);
}

/** What was used, without what depends on the moment: a stage's results are the same however often it was resumed. */
export function withoutClock({ inputTokens, outputTokens, costUsd }: Usage): Partial<Usage> {
  return { inputTokens, outputTokens, costUsd };
}

/** Where a stage's ledger is. @param store as the recipe says */
export function storeAddress(runFolder: string, store: string | undefined): string {
  if (store === undefined) return join(runFolder, 'ledger.db');
  return store.includes('://') ? store : resolve(runFolder, store);
}
