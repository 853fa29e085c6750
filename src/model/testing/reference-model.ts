/** For tests: small models with numbers computed by transformers, kept beside the checkout. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { sharedData } from '../../base/testing.ts';

/** Where the models are, or null where that data is absent. */
export const modelsFolder: string | null = sharedData('models');

/** Seven random models, one per family and peculiarity. */
export const referenceNames: readonly string[] = [
  'gpt-neox',
  'gpt2',
  'llama-tied-gqa',
  'llama3-rope-scaling',
  'mistral-sliding-window',
  'qwen2',
  'qwen3',
];

/** What transformers 5.18.0 on torch 2.13.0 computed in float32 for two rows of 24 tokens, V vocabulary. */
export interface Reference {
  /** [2, 24] */
  readonly input_ids: readonly (readonly number[])[];
  /** [2, 24] 1 = token, 0 = padding on the right. */
  readonly attention_mask: readonly (readonly number[])[];
  /** [V] */
  readonly logits_row0_last: readonly number[];
  /** [V] */
  readonly logits_row1_pos17: readonly number[];
  /** [2, 23] log-probability of tokens 1 to 23. */
  readonly token_logprobs: readonly (readonly number[])[];
  /** Mean over tokens that are not padding. */
  readonly loss: number;
  readonly gradient_norms: Readonly<Record<string, number>>;
  /** [6] */
  readonly greedy_prompt: readonly number[];
  /** [22] the prompt included. */
  readonly greedy_ids: readonly number[];
  readonly adamw_curve: {
    readonly steps: number;
    readonly learning_rate: number;
    readonly weight_decay: number;
    readonly betas: readonly [number, number];
    readonly eps: number;
    readonly max_grad_norm: number;
    /** [20, 2] loss and global gradient norm before each update. */
    readonly loss_and_grad_norm: readonly (readonly [number, number])[];
  };
}

/** stories260K: a trained Llama of 260,000 parameters, computed in float64 with numpy. */
export interface StoriesReference {
  /** [1] */
  readonly prompt_ids: readonly number[];
  /** [200] the prompt included. */
  readonly greedy_ids: readonly number[];
  readonly greedy_text: string;
  /** [V] */
  readonly first_logits_after_bos: readonly number[];
  /** [199] of the greedy ids. */
  readonly token_logprobs: readonly number[];
}

/** The folder of a reference model. */
export function referenceFolder(name: string): string {
  return join(modelsFolder!, 'reference', name);
}

export function readReference(name: string): Reference {
  return JSON.parse(readFileSync(join(referenceFolder(name), 'reference.json'), 'utf8')) as Reference;
}

export function readStoriesReference(): StoriesReference {
  const path = join(modelsFolder!, 'stories260K', 'reference.json');
  return JSON.parse(readFileSync(path, 'utf8')) as StoriesReference;
}
