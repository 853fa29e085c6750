/** The guard: what screens conversations before, while and after a model answers. */

export { type KeywordList, keywordGuard } from './keywords.ts';
export type { GuardMessage, GuardModel, OutputScreen, Screening } from './screen.ts';
