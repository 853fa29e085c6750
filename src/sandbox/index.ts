/** The sandbox: a synthetic assistant world with an exact gold reward. See docs/sandbox.md. */
export { type AccuracyCeiling, accuracyCeiling, type CeilingItem } from './accuracy-ceiling.ts';
export {
  type Annotator,
  annotate,
  biasedPanel,
  type Goal,
  judgingMs,
  meanUtility,
  type RankingRecord,
  type RankOptions,
  rankResponses,
  sessionLength,
  typicalPanel,
} from './annotators.ts';
export { type Assessment, assess } from './assess.ts';
export { describeWorld, worldVocabulary } from './describe-world.ts';
export { comparisonText, judge, preference } from './exchanges.ts';
export type { Domain, PromptKind } from './family.ts';
export { type GoldReward, goldReward } from './gold-reward.ts';
export { type Judged, type SandboxPrinciple, sandboxPrinciples } from './principles.ts';
export { everyPrompt, type Prompt, parsePrompt, promptKinds, type Split } from './prompt.ts';
export {
  chatText,
  corpusTexts,
  type Demonstration,
  demonstrationMix,
  demonstrations,
  dialogueShare,
  type PromptsOptions,
  prompts,
  redTeamPrompts,
} from './records.ts';
export { equalMix, type StyleMix, sampleResponses } from './sample-responses.ts';
export { type Style, styles, stylesOf, writeResponse } from './styles.ts';
