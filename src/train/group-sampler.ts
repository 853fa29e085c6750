/** Samples groups of responses to the same prompts with the policy as it is, and scores them. */
import { type DecoderConfig, Generator, type ParameterStore } from '../model/index.ts';
import type { Tokenizer } from '../text/index.ts';
import type { RewardSource } from './rewards/reward-mix.ts';
import { collectRollout, drawsFor, iterationSlice, type PolicyPrompt, type Rollout } from './rollout.ts';
import { ResponseScorer } from './scorers.ts';

/** What methods need that learn from sampled responses. */
export interface PolicyInputs {
  readonly config: DecoderConfig;
  /** Trained in place. */
  readonly policy: ParameterStore;
  /**
   * What the policy must stay close to, usually a copy of it; changed in place only where it is to follow the policy.
   * Needed where a KL penalty is on.
   */
  readonly reference?: ParameterStore;
  readonly reward: RewardSource;
  /** Name of the reward in metrics, where it is not a mix with names of its own. Default `reward`. */
  readonly rewardName?: string;
  readonly prompts: readonly PolicyPrompt[];
  readonly tokenizer: Pick<Tokenizer, 'decode'>;
  /** Ids that end a response. */
  readonly stopIds: readonly number[];
  /** Other measures of a response, only recorded: name → value per response. */
  readonly probes?: Readonly<Record<string, (prompt: string, response: string) => number>>;
}

export interface GroupSamplerOptions {
  /** Responses per iteration, a multiple of `numGenerations`. */
  readonly batchSize: number;
  /** Responses to each prompt. */
  readonly numGenerations: number;
  /** Most tokens of a response. */
  readonly maxCompletionLength: number;
  readonly temperature: number;
  readonly seed: number;
  readonly threads?: number;
  /** Padded tokens of a micro-batch in training; passes that only score take twice as many. */
  readonly microBatchTokens?: number;
  /** True: log-probabilities under the reference are needed. */
  readonly scoreReference: boolean;
  /** True: the sampler's log-probabilities stand for the policy's, and the trainer compares them. */
  readonly trustSampler: boolean;
}

export class GroupSampler implements AsyncDisposable {
  private readonly inputs: PolicyInputs;
  private readonly options: GroupSamplerOptions;
  private readonly scorer: ResponseScorer | null;

  private constructor(inputs: PolicyInputs, options: GroupSamplerOptions, scorer: ResponseScorer | null) {
    this.inputs = inputs;
    this.options = options;
    this.scorer = scorer;
  }

  static async create(inputs: PolicyInputs, options: GroupSamplerOptions): Promise<GroupSampler> {
    const { threads, temperature, microBatchTokens: tokenBudget } = options;
    const scorer =
      options.scoreReference || !options.trustSampler
        ? await ResponseScorer.create(inputs.config, inputs.policy, { threads, temperature, tokenBudget })
        : null;
    return new GroupSampler(inputs, options, scorer);
  }

  /**
   * The responses of one iteration: groups stand together, in the order of their prompts. They depend on the policy,
   * the seed and the iteration's number only.
   */
  sample(iteration: number, signal?: AbortSignal): Promise<Rollout> {
    const { seed, batchSize, numGenerations } = this.options;
    const prompts = iterationSlice(this.inputs.prompts, seed, iteration, batchSize / numGenerations);
    return this.answer(prompts, iteration, signal);
  }

  /** The same for given prompts. @param index of the batch, for its draws */
  async answer(prompts: readonly PolicyPrompt[], index: number, signal?: AbortSignal): Promise<Rollout> {
    const { config, policy, reference, reward, tokenizer, stopIds } = this.inputs;
    const { seed, numGenerations, temperature, threads } = this.options;
    const generator = await Generator.create(config, policy, { threads });
    try {
      return await collectRollout({
        prompts: prompts.flatMap((prompt) => new Array<PolicyPrompt>(numGenerations).fill(prompt)),
        generator,
        policy,
        reference: this.options.scoreReference ? reference : null,
        scorer: this.scorer,
        trustSampler: this.options.trustSampler,
        reward,
        groupSize: numGenerations,
        tokenizer,
        stopIds,
        responseLength: this.options.maxCompletionLength,
        temperature,
        random: drawsFor(seed, 'responses', index),
        signal,
      });
    } finally {
      await generator.release();
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.scorer?.release();
  }
}
