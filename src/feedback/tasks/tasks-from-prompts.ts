/** Label tasks from prompts that a model answers. */

import { canonicalJson, hashOf } from '../../base/index.ts';
import {
  type FailedItem,
  forEachItem,
  type Journal,
  type PromptInput,
  type SamplingOptions,
  sampleResponses,
  toMessages,
} from '../../constitution/index.ts';
import type { LanguageModel } from '../../llm/index.ts';
import type { NewLabelTask } from './label-task.ts';
import type { TaskOptions } from './tasks-from-records.ts';

export interface AnsweredTaskOptions {
  readonly policy: LanguageModel;
  readonly sampling: SamplingOptions;
  readonly seed: number;
  /** Where each response is kept; what is there is not asked for again. */
  readonly journal: Journal;
  readonly task?: Omit<TaskOptions, 'ranks' | 'shownTo' | 'uncertainFirst'>;
  /** Prompts under way at once. Default 32. */
  readonly concurrency?: number;
  readonly signal?: AbortSignal;
  readonly onProgress?: (done: number, total: number) => void;
}

/** One task for each prompt, in order; prompts without two different responses are counted, failed ones listed. */
export async function tasksFromPrompts(
  prompts: readonly PromptInput[],
  { policy, sampling, seed, journal, task, concurrency = 32, signal, onProgress }: AnsweredTaskOptions,
): Promise<{
  readonly tasks: NewLabelTask[];
  readonly alike: number;
  readonly failed: readonly FailedItem[];
}> {
  const tasks = new Array<NewLabelTask | undefined>(prompts.length);
  let alike = 0;
  const { overlap, priority, audiences, guidelineVersion, constitution, contentWarning } = task ?? {};
  const failed = await forEachItem(
    prompts,
    async (prompt, index, itemSignal) => {
      const messages = toMessages(prompt);
      const key = hashOf(canonicalJson(messages)).slice('sha256:'.length, 'sha256:'.length + 16);
      const context = { policy, options: sampling, seed, journal, signal: itemSignal };
      const { responses } = await sampleResponses(messages, key, context);
      if (responses.length < 2) {
        alike++;
        return;
      }
      tasks[index] = {
        item: { prompt: messages, responses: responses.map((text) => ({ text, model: policy.id })) },
        ...{ overlap, priority, audiences, guidelineVersion, constitution, contentWarning },
      };
    },
    { concurrency, signal, onProgress },
  );
  return { tasks: tasks.filter((made) => made !== undefined), alike, failed };
}
