/** The steps of one chain, each asked until it is usable and kept in the ledger under an id and a seed of its own. */
import type { LanguageModel, Message } from '../../llm/index.ts';
import type { Item } from '../../store/index.ts';
import type { Constitution, Principle } from '../constitution.ts';
import { seedFor } from '../draw.ts';
import { type Journal, journaled } from '../journal.ts';
import {
  type Answered,
  type AskContext,
  askCritique,
  askResponse,
  askRevision,
  type Critique,
  type InitialResponse,
  type Revision,
} from './ask.ts';
import { type Check, checkPrinciple } from './check.ts';
import { untilUsable } from './critique.ts';
import * as events from './events.ts';
import type { FailureKind } from './failures.ts';
import type { CritiqueOptions } from './options.ts';

export interface ChainContext {
  /** Answers the prompts. */
  readonly responder: LanguageModel;
  /** Criticises and revises; in the paper the same model. */
  readonly critic: LanguageModel;
  readonly constitution: Constitution;
  readonly options: CritiqueOptions;
  readonly seed: number;
  readonly signal?: AbortSignal;
  /** Where steps are kept and found again. Null: nowhere. */
  readonly journal: Journal | null;
  /** Name of the job, the beginning of every event's id. */
  readonly job: string;
  readonly runId?: string;
}

/** All attempts at a step: unusable ones, then a usable one or, when the retries were used up, none. */
export type Attempts<T> = readonly [T, ...T[]];

export class ChainSteps {
  private readonly key: string;
  private readonly prompt: readonly Message[];
  private readonly context: ChainContext;
  private readonly frame: events.EventFrame;

  /** @param key names the item */
  constructor(key: string, prompt: readonly Message[], context: ChainContext) {
    const { constitution, job, runId } = context;
    this.key = key;
    this.prompt = prompt;
    this.context = context;
    this.frame = { constitution, project: job, runId };
  }

  response(): Promise<Attempts<InitialResponse>> {
    const { responder, options, signal, journal } = this.context;
    return this.attempts((attempt) =>
      journaled(journal, {
        id: this.id(0, 'response', attempt),
        item: { prompt: this.prompt, responses: [] },
        make: () => {
          const seed = this.seed(0, 'response', attempt);
          return askResponse(this.prompt, { model: responder, options, seed, signal });
        },
        write: (step) => events.responseEvent(step, this.frame, this.place(0, attempt)),
        read: events.responseFrom,
      }),
    );
  }

  check(round: number, response: string, principle: Principle): Promise<Check> {
    const { critic, constitution, options, signal, journal } = this.context;
    const name = `check.${principle.id}`;
    const asked = { threshold: options.checkThreshold, seed: this.seed(round, name, 0), signal };
    return journaled(journal, {
      id: this.id(round, name, 0),
      item: this.item(response),
      make: () => checkPrinciple(critic, this.answered(response), constitution, principle, asked),
      write: (step) => events.checkEvent(step, this.frame, this.place(round, 0)),
      read: events.checkFrom,
    });
  }

  critique(round: number, response: string, principles: readonly Principle[]): Promise<Attempts<Critique>> {
    return this.attempts((attempt) =>
      journaled(this.context.journal, {
        id: this.id(round, 'critique', attempt),
        item: this.item(response),
        make: () => askCritique(this.answered(response), principles, this.ask(round, 'critique', attempt)),
        write: (step) => events.critiqueEvent(step, this.frame, this.place(round, attempt)),
        read: events.critiqueFrom,
      }),
    );
  }

  /** @param critiques those of the round, the last of which is answered; null revises without one */
  revision(
    round: number,
    response: string,
    principles: readonly Principle[],
    critiques: Attempts<Critique> | null,
  ): Promise<Attempts<Revision>> {
    const critique = critiques?.at(-1) ?? null;
    const basedOn = critiques === null ? null : this.id(round, 'critique', critiques.length - 1);
    return this.attempts((attempt) =>
      journaled(this.context.journal, {
        id: this.id(round, 'revision', attempt),
        item: this.item(response),
        make: () =>
          askRevision(this.answered(response), critique, principles, this.ask(round, 'revision', attempt)),
        write: (step) => events.revisionEvent(step, this.frame, this.place(round, attempt), basedOn),
        read: events.revisionFrom,
      }),
    );
  }

  private async attempts<T extends { readonly failure: FailureKind | null }>(
    ask: (attempt: number) => Promise<T>,
  ): Promise<Attempts<T>> {
    const made: T[] = [];
    await untilUsable(this.context.options.retries, async (attempt) => {
      const step = await ask(attempt);
      made.push(step);
      return step;
    });
    return made as [T, ...T[]];
  }

  private ask(round: number, step: string, attempt: number): AskContext {
    const { critic, constitution, options, signal } = this.context;
    return { model: critic, constitution, options, seed: this.seed(round, step, attempt), signal };
  }

  private answered(response: string): Answered {
    return { prompt: this.prompt, response };
  }

  private item(response: string): Item {
    return { prompt: this.prompt, responses: [{ text: response }] };
  }

  private place(round: number, attempt: number): events.StepPlace {
    return { item: this.key, round, attempt };
  }

  private seed(round: number, step: string, attempt: number): number {
    return seedFor(this.context.seed, this.key, round, step, attempt);
  }

  private id(round: number, step: string, attempt: number): string {
    return `${this.context.job}/${this.key}/${round}.${step}.${attempt}`;
  }
}
