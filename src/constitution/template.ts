/** Names the words that a model is asked with, so that labels made with other words can be told apart. */
import { hashOf } from '../base/index.ts';

/** As the ledger records it. */
export interface Template {
  readonly id: string;
  /** `sha256:…` of everything that is fixed before an item is filled in: requests, introduction, examples. */
  readonly hash: string;
}

/** @param id    what it is for, with the version of our words around it: `critique/turns@1` */
export function templateOf(id: string, ...fixed: readonly unknown[]): Template {
  return { id, hash: hashOf(JSON.stringify([id, ...fixed])) };
}
