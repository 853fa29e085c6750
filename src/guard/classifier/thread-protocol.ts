/** What goes back and forth between a guard and the thread that computes it. */
import type { GuardMessage } from '../screen.ts';
import type { OpenClassifierOptions } from './classifier-guard.ts';
import type { GuardFile } from './guard-file.ts';

/** What the thread is started with. */
export interface GuardJob {
  readonly folder: string;
  readonly options: Omit<OpenClassifierOptions, 'inThread'>;
}

/** `id` names a question that is answered, `screen` an answer that is being screened. */
export type ToGuard =
  | { readonly kind: 'input'; readonly id: number; readonly messages: readonly GuardMessage[] }
  | {
      readonly kind: 'open';
      readonly id: number;
      readonly screen: number;
      readonly messages: readonly GuardMessage[];
    }
  | { readonly kind: 'push'; readonly id: number; readonly screen: number; readonly text: string }
  | { readonly kind: 'end'; readonly id: number; readonly screen: number }
  | { readonly kind: 'forget'; readonly screen: number }
  | { readonly kind: 'close' };

export interface GuardFacts {
  readonly name: string;
  readonly thresholds: { readonly input?: number; readonly output?: number };
  readonly file: GuardFile;
}
