/**
 * Several guards one behind the other: the cheap one sees everything, the dear one what the cheap one is not sure of.
 *
 * Each stage has two thresholds. A score up to `safe` lets pass, one from `harmful` on blocks, and what lies between goes
 * to the next stage; the last stage has one threshold, so that it always decides. A first stage that is only ever to wave
 * through leaves `harmful` out: nothing is then refused on its word alone (Constitutional Classifiers++, 2601.04603).
 */
import { TenetError } from '../../base/index.ts';
import type { GuardMessage, GuardModel, OutputScreen, Screening } from '../screen.ts';
import { CascadeScreen, type StageObserver } from './cascade-screen.ts';
import { type DecidingStage, decisionOf } from './stage.ts';

export interface CascadeStage {
  readonly guard: GuardModel;
  /** Scores up to it let pass. Needed on all stages but the last. */
  readonly safe?: number;
  /** Scores from it on block. Default: never, on the last stage what the guard was made with, else 0.5. */
  readonly harmful?: number;
}

/** What reached a stage, and what became of it. */
export interface StageCounts {
  readonly stage: string;
  /** Conversations, or answers. */
  readonly reached: number;
  /** Of all that reached the first stage. */
  readonly share: number;
  readonly allowed: number;
  readonly blocked: number;
}

export interface CascadeGuard extends GuardModel {
  /** By stage, first to last. An answer is counted as allowed once it has ended. */
  stats(): { readonly input: readonly StageCounts[]; readonly output: readonly StageCounts[] };
}

/**
 * @throws TenetError('usage') for thresholds that do not fit together
 * @example
 * const guard = cascade([
 *   { guard: probe, safe: 0.02 },
 *   { guard: classifier, safe: 0.2, harmful: 0.9 },
 *   { guard: judgeGuard(judge), harmful: 0.5 },
 * ]);
 */
export function cascade(stages: readonly CascadeStage[]): CascadeGuard {
  if (stages.length === 0) throw new TenetError('usage', 'A cascade needs at least one stage.');
  return new Cascade(stages.map((stage, i) => decidingStage(stage, i, stages.length)));
}

function decidingStage({ guard, safe, harmful }: CascadeStage, i: number, count: number): DecidingStage {
  const name = `Stage ${i + 1} of the cascade (${guard.name})`;
  for (const [field, value] of Object.entries({ safe, harmful })) {
    if (value !== undefined && !(value >= 0 && value <= 1)) {
      throw new TenetError('usage', `${name} has ${field} = ${value}; it must be a score from 0 to 1.`);
    }
  }
  if (i < count - 1) {
    if (safe === undefined) {
      throw new TenetError(
        'usage',
        `${name} needs safe: the score up to which nothing goes on to the next stage.`,
      );
    }
    const limit = harmful ?? Number.POSITIVE_INFINITY;
    if (limit <= safe) {
      throw new TenetError(
        'usage',
        `${name} has safe = ${safe} and harmful = ${limit}; harmful must be above safe.`,
      );
    }
    return { guard, safe: { input: safe, output: safe }, harmful: { input: limit, output: limit } };
  }
  if (safe !== undefined) {
    throw new TenetError(
      'usage',
      `${name} is the last and has safe = ${safe}; it decides by harmful alone, so leave safe out.`,
    );
  }
  const made = guard.thresholds;
  const limits = { input: harmful ?? made?.input ?? 0.5, output: harmful ?? made?.output ?? 0.5 };
  // Everything below the threshold is let pass.
  const never = Number.POSITIVE_INFINITY;
  return { guard, safe: { input: never, output: never }, harmful: limits };
}

class Counts implements StageObserver {
  private readonly reached: number[];
  private readonly allowed: number[];
  private readonly blocked: number[];

  constructor(stages: number) {
    const zeros = (): number[] => new Array<number>(stages).fill(0);
    [this.reached, this.allowed, this.blocked] = [zeros(), zeros(), zeros()];
  }

  reach(stage: number): void {
    this.reached[stage]++;
  }

  decide(stage: number, decided: 'allow' | 'block'): void {
    (decided === 'allow' ? this.allowed : this.blocked)[stage]++;
  }

  of(stages: readonly DecidingStage[]): StageCounts[] {
    return stages.map(({ guard }, i) => ({
      stage: guard.name,
      reached: this.reached[i],
      share: this.reached[0] === 0 ? 0 : this.reached[i] / this.reached[0],
      allowed: this.allowed[i],
      blocked: this.blocked[i],
    }));
  }
}

class Cascade implements CascadeGuard {
  readonly name: string;
  private readonly stages: readonly DecidingStage[];
  private readonly input: Counts;
  private readonly output: Counts;

  constructor(stages: readonly DecidingStage[]) {
    this.stages = stages;
    this.name = `cascade(${stages.map(({ guard }) => guard.name).join(', ')})`;
    this.input = new Counts(stages.length);
    this.output = new Counts(stages.length);
  }

  get isClosed(): boolean {
    return this.stages.some(({ guard }) => guard.isClosed);
  }

  async screenInput(messages: readonly GuardMessage[], signal?: AbortSignal): Promise<Screening> {
    for (const [i, { guard, safe, harmful }] of this.stages.entries()) {
      this.input.reach(i);
      const screening = await guard.screenInput(messages, signal);
      const decision = decisionOf(screening, safe.input, harmful.input);
      if (decision === null) continue;
      this.input.decide(i, decision.decided);
      return { ...screening, ...decision };
    }
    throw new TenetError('internal', 'The last stage of a cascade did not decide.');
  }

  async openOutput(messages: readonly GuardMessage[], choice = 0): Promise<OutputScreen> {
    const screen = new CascadeScreen(this.stages, { messages, choice }, this.output);
    await screen.start();
    return screen;
  }

  stats(): { readonly input: readonly StageCounts[]; readonly output: readonly StageCounts[] } {
    return { input: this.input.of(this.stages), output: this.output.of(this.stages) };
  }

  async close(): Promise<void> {
    // One guard may stand in two stages.
    await Promise.all([...new Set(this.stages.map(({ guard }) => guard))].map((guard) => guard.close()));
  }
}
