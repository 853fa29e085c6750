/** Opens the monitors of a stage, as its recipe wants them. */
import type { ParameterStore } from '../../model/index.ts';
import { monitorOptions } from '../../monitor/index.ts';
import type { RewardItem, RewardSource, StageContext } from '../../train/index.ts';
import type { DataMonitors, PolicyMonitors } from '../monitor-options.ts';
import type { ObjectiveOptions } from '../reward-options.ts';
import type { DataSource } from '../stage-parts.ts';
import { openObjectives } from '../stages/objectives.ts';
import type { StageRun, StartModel } from '../stages/stage-run.ts';
import type { ResponseStates } from './response-states.ts';
import { type MonitorRecord, StageMonitor } from './stage-monitor.ts';
import { tryCanaries } from './try-canaries.ts';

/** Prompts that canaries are tried on, unless the recipe says otherwise. */
const usualCanaryPrompts = 32;

export interface WatchedStage {
  /** What the stage is to be run with. */
  readonly context: StageContext;
  /** For the stage's result. */
  record(): { readonly monitor?: MonitorRecord };
  release(): Promise<void>;
}

export interface WatchedPolicy extends WatchedStage {
  /**
   * To be called when training has ended, before the policy is kept.
   * @returns true: an alarm about the last iteration has put earlier weights in its place
   */
  finish(iterations: number): Promise<boolean>;
}

/** Of a stage that learns from data: its metrics are watched. */
export async function watchData(
  monitors: DataMonitors | undefined,
  context: StageContext,
): Promise<WatchedStage> {
  if (monitors?.enabled === false) return unwatched(context);
  const monitor = await StageMonitor.open(context, monitorOptions.parse(monitors ?? {}));
  return {
    context: monitor.context,
    record: () => ({ monitor: monitor.record }),
    release: async () => monitor.close(),
  };
}

/**
 * Of a stage in which a policy samples: its responses are watched too.
 * @param parts.policy what is trained, written to where an alarm goes back to earlier weights
 * @param parts.states what the reward model makes of the responses that it scores; null: it is not known
 */
export async function watchPolicy(
  options: {
    readonly monitors?: PolicyMonitors;
    readonly prompts: DataSource;
    readonly judge?: unknown;
    readonly rewards?: readonly { readonly judge?: unknown }[];
  },
  stage: StageRun,
  parts: {
    readonly start: StartModel;
    readonly policy: ParameterStore;
    readonly reward: RewardSource;
    readonly states: ResponseStates | null;
  },
): Promise<WatchedPolicy> {
  const { context } = stage;
  const {
    enabled,
    heldOut,
    heldOutEvery = 1,
    heldOutResponses,
    canaryPrompts,
    ...plain
  } = options.monitors ?? {};
  if (enabled === false) return unwatched(context);
  const objective = heldOut ?? (options.prompts.sandbox ? goldObjective : null);
  const opened = await openObjectives(objective ? [objective] : [], stage, parts.start, {
    allowWeakReward: true,
  });
  const [held] = opened.objectives;
  const score = async (items: readonly RewardItem[]): Promise<ArrayLike<number>> =>
    Float32Array.from((await held.score(items)).values, (value) => value ?? Number.NaN);
  const asksJudge = Boolean(options.judge) || (options.rewards ?? []).some(({ judge }) => judge);
  const prompts = canaryPrompts ?? (asksJudge ? 0 : usualCanaryPrompts);
  const monitor = await StageMonitor.open(context, monitorOptions.parse(plain), {
    policy: parts.policy,
    states: ({ items }) => parts.states?.of(items) ?? null,
    heldOut: held
      ? async (step, { items }) =>
          (step - 1) % heldOutEvery === 0 ? score(items.slice(0, heldOutResponses ?? items.length)) : []
      : null,
    canaries:
      prompts === 0
        ? null
        : (rollout, heldOutAnswers) =>
            tryCanaries(rollout, heldOutAnswers, {
              ...{ start: parts.start, reward: parts.reward, prompts },
              heldOut: held && !objective?.judge ? score : null,
            }),
  });
  return {
    context: monitor.context,
    record: () => ({ monitor: monitor.record }),
    finish: (iterations) => monitor.finish(iterations),
    async release() {
      monitor.close();
      await opened.release();
    },
  };
}

const goldObjective: ObjectiveOptions = { name: 'gold', gold: 'total' };

function unwatched(context: StageContext): WatchedPolicy {
  return { context, record: () => ({}), finish: async () => false, release: async () => {} };
}
