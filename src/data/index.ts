/** Data: record formats, reading and writing, checks, conversion, splits, encoding, packing, sampling. */
export type { ContentProblem, ProblemKind } from './check-example.ts';
export { type CheckOptions, type CheckProblem, checkFile, type FileReport } from './check-file.ts';
export {
  type Converted,
  convertExample,
  pairsOf,
  type RankedPair,
  type Style,
  TARGET_FORMATS,
  type TargetFormat,
} from './convert-example.ts';
export { type ConvertOptions, type ConvertReport, convertFile } from './convert-file.ts';
export { detectFormat, formatOfRow } from './detect-format.ts';
export {
  type EncodeCounts,
  type EncodedJudged,
  type EncodedPreference,
  type EncodedRanking,
  Encoder,
  type EncoderOptions,
  type LongPairPolicy,
  type LongTextPolicy,
  promptOf,
  type TextPolicy,
} from './encode.ts';
export {
  type ChatExample,
  type CompletionExample,
  type Example,
  type ExampleExtras,
  examplesOf,
  type PromptExample,
  pairFromWholes,
  type RankingExample,
  type StepsExample,
  splitLastTurn,
  type TextExample,
} from './example.ts';
export { formatReport } from './format-report.ts';
export { formatTranscript, parseTranscript, textOf } from './hh-transcript.ts';
export { jaccard, type NearDuplicate, NearDuplicateIndex, shinglesOf } from './near-duplicates.ts';
export type { TreeOptions } from './oasst-records.ts';
export { decides, type ObjectiveLabels, type ObjectivesLabels } from './objective-labels.ts';
export { fitToRows, type Overlong, planPacking } from './packing.ts';
export { formatProblems, type Problem, ProblemList, placeOf } from './problem.ts';
export type { LengthSummary } from './quantiles.ts';
export type { RawRow } from './raw-row.ts';
export { type ReadOptions, type ReadSummary, RecordStream, type Row, readRecords } from './read-records.ts';
export { type Container, openRows } from './read-rows.ts';
export {
  type Content,
  FORMAT_TITLES,
  RECORD_FORMATS,
  type RecordFormat,
  type RecordOf,
  type Records,
  type ShareGptMessage,
} from './record.ts';
export { type SampleOrder, Sampler, type SamplerOptions, type SamplerPosition } from './sampler.ts';
export { groupKey, type SplitOptions, type SplitPart, type SplitReport, splitFile } from './split-file.ts';
export {
  countedTokens,
  type PackOptions,
  type PadOptions,
  packBatch,
  padBatch,
  type TokenBatch,
  type TokenExample,
} from './token-batch.ts';
export { type FieldProblem, validateRecord } from './validate-record.ts';
export { RecordWriter, type WritableContainer, type WriteOptions, writeRecords } from './write-records.ts';
