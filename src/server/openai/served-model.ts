/** The model that a server offers. */
import type { SharedReading } from '../../guard/index.ts';
import type { LocalEngine } from '../../llm/index.ts';

export interface ServedModel {
  /** The name that requests give. */
  readonly id: string;
  readonly engine: LocalEngine;
  /** Seconds since 1970. */
  readonly created: number;
  /** Requests under way at once, beyond which new ones are turned away. */
  readonly mostRequests: number;
  /** Told of failures that are the server's own. */
  readonly onFailure: (error: unknown) => void;
}

/** What comes with a request besides its content. */
export type ServerBindings = {
  readonly Bindings: {
    /** Set by a guard in the same process: told what the engine's probe makes of what is read and written. */
    readonly reading?: SharedReading;
  };
};
