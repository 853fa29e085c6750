/** Chooses micro-batches and activation checkpointing so that a stage stays within a memory limit. */
import { TenetError } from '../../base/index.ts';
import type { StageRecipe } from '../run-recipe.ts';
import { memoryParts, totalMemory } from './memory.ts';
import type { StageDraft } from './stage-estimate.ts';

/** The stages that train, and so have something to choose. */
type TrainingStage = Extract<StageRecipe, { readonly microBatchTokens: number }>;

export interface FittedStage<S extends StageRecipe = StageRecipe> {
  readonly options: S;
  readonly draft: StageDraft;
}

/** Fewer tokens than these make products so flat that checkpointing larger ones takes less time. */
const flatTokens = 512;
const fewestTokens = 128;

/**
 * The fastest of the ways that fit: micro-batches as large as the options allow, then halves of them, then activation
 * checkpointing (a third more time) with them as large as possible, then what is left.
 * @param draftOf estimates the stage with other options
 * @throws TenetError('preflight') when none fits, saying what would be needed
 */
export async function fitStage<S extends StageRecipe>(
  options: S,
  name: string,
  limitBytes: number,
  draftOf: (options: S) => Promise<StageDraft>,
): Promise<FittedStage<S>> {
  if (!isTraining(options)) return { options, draft: await draftOf(options) };
  const { microBatchTokens, gradientCheckpointing } = options;
  const sizes = halvings(microBatchTokens);
  const large = sizes.filter((size) => size >= flatTokens || size === microBatchTokens);
  const ways = [
    ...(gradientCheckpointing ? [] : large.map((size) => [size, false] as const)),
    ...sizes.map((size) => [size, true] as const),
  ];
  let least: StageDraft | null = null;
  for (const [size, checkpointing] of ways) {
    const chosen = { ...options, microBatchTokens: size, gradientCheckpointing: checkpointing };
    const draft = await draftOf(chosen);
    if (totalMemory(draft.memory) <= limitBytes) return { options: chosen, draft };
    if (!least || totalMemory(draft.memory) < totalMemory(least.memory)) least = draft;
  }
  const { memory } = least!;
  const parts = memoryParts(memory).toSorted(([, a], [, b]) => b - a);
  const hint = 'adapter' in options && options.adapter ? '' : 'train an adapter (adapter: { type: lora }), ';
  throw new TenetError(
    'preflight',
    `stage "${name}" needs about ${gigabytes(totalMemory(memory))} even with the smallest micro-batches and activation checkpointing, ` +
      `and memory is limited to ${gigabytes(limitBytes)}: ${parts.map(([what, bytes]) => `${what} ${gigabytes(bytes)}`).join(', ')}. ` +
      `Raise the limit, ${hint}lower the longest sequences, or take a smaller model.`,
    { details: { stage: name, memory, limitBytes } },
  );
}

function isTraining<S extends StageRecipe>(options: S): options is S & TrainingStage {
  return 'microBatchTokens' in options && 'gradientCheckpointing' in options;
}

function halvings(from: number): number[] {
  const sizes = [from];
  for (let size = from >> 1; size >= fewestTokens; size >>= 1) sizes.push(size);
  return sizes;
}

function gigabytes(bytes: number): string {
  return `${(bytes / 1e9).toFixed(bytes < 1e8 ? 3 : 2)} GB`;
}
