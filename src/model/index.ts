export {
  AdaptedParameters,
  adaptParameters,
} from './adapter/adapted-parameters.ts';
export type { AdapterSettings } from './adapter/adapter-settings.ts';
export { baseFolderOf } from './adapter/base-folder.ts';
export { mergeAdapter, plainParameters } from './adapter/merge.ts';
export type { DecoderConfig, DecoderFamily, RotaryConfig } from './decoder-config.ts';
export type {
  FinishReason,
  Generation,
  GenerationEvents,
  GenerationRequest,
  TokenAlternatives,
} from './generate/generation.ts';
export type { GenerationQueue } from './generate/generation-queue.ts';
export { type GenerateOptions, Generator, type GeneratorOptions } from './generate/generator.ts';
export { checkSamplingOptions, type SamplingOptions } from './generate/sampling.ts';
export type { StateProbe } from './generate/state-probe.ts';
export { TextGenerator, type TextModel } from './generate/text-generator.ts';
export type {
  Continuation,
  TextCallOptions,
  TextGeneration,
  TextOptions,
  TextRequest,
} from './generate/text-request.ts';
export type { TextStream } from './generate/text-stream.ts';
export { initialiseParameters } from './initialise.ts';
export { type GradientSum, LayerStack } from './layer-stack.ts';
export { type LlamaShape, makeLlamaConfig } from './llama-config.ts';
export { loadModelFolder } from './load-model.ts';
export type { LoadedModel } from './loaded-model.ts';
export type { CardData, CardStage, ModelCard } from './model-card.ts';
export {
  buildModelGraph,
  type CountedTargets,
  countedHidden,
  countedLogProbs,
  countedTargets,
  hiddenRows,
  type ModelGraph,
  scalarHead,
} from './model-graph.ts';
export { ParameterStore } from './parameter-store.ts';
export {
  decoderSpecs,
  type ParameterSpec,
  parameterSpecs,
  scalarHeadSpec,
  scoreHeadName,
} from './parameters.ts';
export { type RewardHeads, singleHead } from './reward-heads.ts';
export { SafetensorsFile } from './safetensors-file.ts';
export { writeSafetensors } from './safetensors-write.ts';
export { type SavedModel, type SaveModelOptions, saveModelFolder } from './save-model.ts';
export type { WeightPrecision } from './scoring/scoring-graph.ts';
export {
  type TokenReader,
  TokenScorer,
  type TokenScorerOptions,
  type TokenScores,
} from './scoring/token-scorer.ts';
