/**
 * Watches over a stage of a run: shows the monitors what the stage records and samples, and does what an alarm asks for.
 *
 * An alarm is written to `warnings.jsonl` and shown at once. One that is to stop the stage does so before the next update,
 * and one that is to go back first puts the weights with the best held-out reward in place.
 */
import type { ParameterStore } from '../../model/index.ts';
import {
  type Alarm,
  type Entry,
  type Finding,
  type Moments,
  Monitor,
  type MonitorOptions,
  pool,
  summariseBatch,
} from '../../monitor/index.ts';
import type { StageContext, Verdict, WatchedRollout } from '../../train/index.ts';
import { BestWeights } from './best-weights.ts';
import { MonitorJournal } from './journal.ts';
import { monitorMetrics, watchedResponses } from './summarise-rollout.ts';

/** What stages that sample are watched with besides. */
export interface PolicyWatch {
  /** What is trained. */
  readonly policy: ParameterStore;
  /** [B] or fewer held-out rewards, NaN where one is not scored; null: there is none. */
  readonly heldOut: ((step: number, rollout: WatchedRollout) => Promise<ArrayLike<number>>) | null;
  /** [B][D] the reward model's states of the responses; null: they are not known. */
  readonly states: (rollout: WatchedRollout) => readonly ArrayLike<number>[] | null;
  /** Tries texts that answer nothing on the reward, beside these responses; null: not wanted. */
  readonly canaries:
    | ((rollout: WatchedRollout, heldOut: ArrayLike<number>) => Promise<Finding | null>)
    | null;
}

/** For the stage's result; plain data. */
export interface MonitorRecord {
  readonly alarms: number;
  /** Iteration that an alarm did not let begin, and which detector that was. */
  readonly stoppedAt?: number;
  readonly stoppedBy?: string;
  /** Iteration whose policy was kept: the one that sampled it. */
  readonly keptStep?: number;
  /** The best held-out reward over a window, and its last iteration. */
  readonly bestHeldOut?: number;
  readonly bestStep?: number;
}

export class StageMonitor {
  /** What the stage is to be run with. */
  readonly context: StageContext;
  private readonly outer: StageContext;
  private readonly options: MonitorOptions;
  private readonly monitor: Monitor;
  private readonly journal: MonitorJournal;
  private readonly weights: BestWeights | null;
  private begun = false;
  private alarms = 0;
  /** The alarm that ends the stage as soon as it can; going back comes before stopping. */
  private pending: Alarm | null = null;
  private newestHeldOut: readonly Moments[] = [];
  private best: { readonly step: number; readonly mean: number } | null = null;
  private ended: Pick<MonitorRecord, 'stoppedAt' | 'stoppedBy' | 'keptStep'> = {};

  private constructor(
    outer: StageContext,
    options: MonitorOptions,
    journal: MonitorJournal,
    watch: PolicyWatch | null,
  ) {
    this.outer = outer;
    this.options = options;
    this.monitor = new Monitor(options);
    this.journal = journal;
    const mayGoBack = Object.values({ action: options.action, ...options.actions }).includes('rollback');
    this.weights = watch?.heldOut && mayGoBack ? new BestWeights(outer.folder, watch.policy) : null;
    this.context = {
      ...outer,
      event: (step, metrics) => this.event(step, metrics),
      ...(watch && { watch: (step, rollout) => this.watched(watch, step, rollout) }),
    };
  }

  /** @param watch of stages that sample; default: only metrics are watched */
  static async open(
    context: StageContext,
    options: MonitorOptions,
    watch: PolicyWatch | null = null,
  ): Promise<StageMonitor> {
    const journal = await MonitorJournal.open(context.folder, context.resume);
    return new StageMonitor(context, options, journal, watch);
  }

  get record(): MonitorRecord {
    return {
      alarms: this.alarms,
      ...this.ended,
      ...(this.best && { bestHeldOut: this.best.mean, bestStep: this.best.step }),
    };
  }

  /**
   * The stage has come to its end: an alarm about its last iteration, which no further one can answer, still goes back.
   * @returns true: other weights are in the policy's place now
   */
  async finish(iterations: number): Promise<boolean> {
    this.begin(iterations + 1);
    if (this.pending?.action !== 'rollback' || this.ended.stoppedAt !== undefined) return false;
    return (await this.end(iterations + 1, this.pending)) === 'restored';
  }

  close(): void {
    this.journal.close();
  }

  private event(step: number, metrics: Readonly<Record<string, number>>): void {
    this.outer.event(step, metrics);
    this.begin(step);
    this.see({ step, metrics });
  }

  private async watched(watch: PolicyWatch, step: number, rollout: WatchedRollout): Promise<Verdict> {
    this.begin(step);
    const heldOut = (await watch.heldOut?.(step, rollout)) ?? [];
    if (step === 1 && watch.canaries && this.monitor.actionOf('canary')) {
      this.see({ step, canaries: await watch.canaries(rollout, heldOut) });
    }
    const outlying = this.outlying(step, rollout, watch.states(rollout));
    const batch = summariseBatch(watchedResponses(rollout, { heldOut, outlying }));
    this.outer.event(step, monitorMetrics(batch));
    this.see({ step, batch });
    if (this.pending) return this.end(step, this.pending);
    if (this.best?.step === step) await this.weights?.save(step);
    return 'go on';
  }

  /** [B] 1 = unlike what the reference writes, to the reward model; null where that is not known or not known yet. */
  private outlying(
    step: number,
    { items }: WatchedRollout,
    states: readonly ArrayLike<number>[] | null,
  ): readonly number[] | null {
    const { latent } = this.monitor;
    if (!states) return null;
    const described = latent.describe(
      states,
      items.map(({ promptText }) => promptText),
    );
    if (!latent.collects) return latent.judge(described);
    this.see({ step, latent: described });
    return null;
  }

  /**
   * Catches up with what an earlier start of the stage has seen. Its alarms are written already; one that was to end the
   * stage and had not yet come to it still does.
   */
  private begin(step: number): void {
    if (this.begun) return;
    this.begun = true;
    for (const entry of this.journal.begin(step)) this.take(entry);
  }

  private see(entry: Entry): void {
    this.journal.append(entry);
    for (const alarm of this.take(entry)) this.raise(alarm);
  }

  private take(entry: Entry): Alarm[] {
    const alarms = this.monitor.observe(entry);
    this.alarms += alarms.length;
    for (const alarm of alarms) {
      const ends = alarm.action === 'rollback' || (alarm.action === 'stop' && this.pending === null);
      if (ends && this.pending?.action !== 'rollback') this.pending = alarm;
    }
    if ('batch' in entry && entry.batch.heldOut) {
      this.newestHeldOut = [...this.newestHeldOut, entry.batch.heldOut].slice(-this.options.window);
      const mean = pool(this.newestHeldOut)?.mean ?? Number.NaN;
      if (this.best === null || mean > this.best.mean) this.best = { step: entry.step, mean };
    }
    return alarms;
  }

  private raise({ detector, step, action, what, cause, remedy }: Alarm): void {
    this.outer.warn(`Step ${step}, ${detector}: ${what}. Probable cause: ${cause} Remedy: ${remedy}`, {
      step,
      detector,
      action,
      cause,
      remedy,
    });
  }

  /** The policy of now wrote these responses; it is kept, or an earlier one in its place. */
  private async end(step: number, { detector, action }: Alarm): Promise<Verdict> {
    this.ended = { stoppedAt: step, stoppedBy: detector };
    const best = action === 'rollback' ? this.best : null;
    if (action === 'rollback' && !(best && this.weights)) {
      this.outer.warn(
        `There is no held-out reward to tell which policy was best, so "${detector}" ends the stage with the policy of step ${step}. ` +
          'Give monitors.heldOut for rollback.',
      );
    }
    if (best && this.weights && best.step !== step) {
      if (await this.weights.restore(best.step)) this.ended = { ...this.ended, keptStep: best.step };
      else
        this.outer.warn(
          `The weights of step ${best.step} are no longer there; the policy of step ${step} is kept.`,
        );
    }
    this.outer.warn(
      `Ended before iteration ${step} by "${detector}"${this.ended.keptStep === undefined ? '' : `; the policy of step ${this.ended.keptStep} is kept, whose held-out reward was best`}.`,
    );
    return this.ended.keptStep === undefined ? 'stop' : 'restored';
  }
}
