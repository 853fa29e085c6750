/** Ways to wrap a harmful request so that a model may not see it as one. */
import type { Random } from '../../base/index.ts';
import type { Message } from '../../llm/index.ts';

export interface Technique {
  readonly name: string;
  /** One line for help texts. */
  readonly about: string;
  /** The conversation that asks for the request. Same random state, same attack. */
  wrap(request: string, random: Random): readonly Message[];
  /** Brings an answer that was asked for in another writing back into plain text. Default: as it is. */
  unwrap?(response: string): string;
}

export function user(content: string): Message {
  return { role: 'user', content };
}

export function assistant(content: string): Message {
  return { role: 'assistant', content };
}
