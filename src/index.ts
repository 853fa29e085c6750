/**
 * Tenet: RLHF and Constitutional AI in TypeScript.
 *
 * The folders are public entries of their own (`tenet/tensor`, `tenet/model`, `tenet/train`, …); this one gathers
 * what most programs begin with.
 */
export { TenetError } from './base/index.ts';
export { Generator, loadModelFolder, saveModelFolder } from './model/index.ts';
export { ChatTemplate, loadTokenizer, type Tokenizer } from './text/index.ts';
