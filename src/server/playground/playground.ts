/** The playground: who talks with which models, how they voted, what they filed as label tasks. */
import { randomUUID } from 'node:crypto';
import { LabelQueue, type NewLabelTask, toTask } from '../../feedback/index.ts';
import type { Flag, Store } from '../../store/index.ts';
import type { Caller } from '../accounts/person.ts';
import { RateLimit } from '../accounts/rate-limit.ts';
import { HttpError } from '../http/http-error.ts';
import {
  type Answering,
  Conversation,
  type ConversationOptions,
  type Side,
  sides,
  type Turn,
  type TurnRequest,
  type TurnVote,
} from './conversation.ts';
import type { ModelShelf } from './model-shelf.ts';

/** Label projects that the playground writes to. */
export const voteProject = 'playground';
export const redTeamProject = 'red-team';

export interface Vote {
  /** Chosen by the client; sent again, it is stored once. */
  readonly id: string;
  readonly turn: number;
  readonly vote: TurnVote['vote'];
  readonly rationale?: string;
  readonly activeMs?: number;
  readonly idleMs?: number;
}

export interface Filing {
  readonly turn: number;
  /** What is wrong with the answers, in the words of whoever found it. */
  readonly note?: string;
  /** How harmful, from 0 = not at all to 4 = as asked for (as in Ganguli et al. 2022); the worst are labelled first. */
  readonly harm?: number;
}

export interface PlaygroundOptions {
  readonly store: Store;
  readonly shelf: ModelShelf;
  /** Told of failures that are the server's own. */
  readonly onFailure: (error: unknown) => void;
}

const turnsPerWindow = 40;
const windowMs = 5 * 60_000;
/** Turns answered at once on the whole server. */
const mostUnderWay = 8;
const mostOfOnePerson = 10;
const mostConversations = 500;

export class Playground {
  readonly shelf: ModelShelf;
  private readonly store: Store;
  private readonly onFailure: (error: unknown) => void;
  private readonly turnsLately = new RateLimit({ most: turnsPerWindow, withinMs: windowMs });
  /** The least lately used first. */
  private readonly conversations = new Map<string, Conversation>();

  constructor({ store, shelf, onFailure }: PlaygroundOptions) {
    this.store = store;
    this.shelf = shelf;
    this.onFailure = onFailure;
  }

  /** @throws HttpError naming a model that there is not */
  async begin(options: Omit<ConversationOptions, 'id'>): Promise<Conversation> {
    await this.shelf.expect(options.models);
    const conversation = new Conversation({ ...options, id: randomUUID() });
    this.conversations.set(conversation.options.id, conversation);
    this.forgetOld(options.owner);
    return conversation;
  }

  /** @throws HttpError for a conversation of somebody else as for one that there is not */
  get(id: string, { id: owner }: Pick<Caller, 'id'>): Conversation {
    const found = this.conversations.get(id);
    if (found?.options.owner !== owner) {
      throw new HttpError(
        'not-found',
        'This conversation is over: the server keeps the latest only. Begin another.',
      );
    }
    this.conversations.delete(id);
    this.conversations.set(id, found);
    return found;
  }

  /**
   * Has both models answer what is said, or the last turn anew.
   * @throws HttpError when it may not begin: too many lately, too many at once, still answering
   */
  answer(
    conversation: Conversation,
    said: TurnRequest | 'again',
  ): (listener: Omit<Parameters<Answering>[1], 'failed'>, signal: AbortSignal) => Promise<void> {
    const { owner } = conversation.options;
    const waitMs = this.turnsLately.waitMs(owner);
    if (waitMs > 0) {
      const retryAfterSeconds = Math.ceil(waitMs / 1000);
      throw new HttpError(
        'too-many',
        `That were ${turnsPerWindow} turns in five minutes; go on in ${retryAfterSeconds} s.`,
        {
          retryAfterSeconds,
        },
      );
    }
    const underWay = [...this.conversations.values()].filter(({ isAnswering }) => isAnswering);
    if (underWay.length >= mostUnderWay) {
      throw new HttpError('unavailable', 'The models are answering many people; try again in a moment.', {
        retryAfterSeconds: 5,
      });
    }
    if (underWay.some((other) => other !== conversation && other.options.owner === owner)) {
      throw new HttpError(
        'conflict',
        'Models are answering you in another conversation; wait for them or stop them.',
      );
    }
    const answering = said === 'again' ? conversation.again() : conversation.say(said);
    this.turnsLately.count(owner);
    return (listener, signal) =>
      answering((name, work) => this.shelf.use(name, work), { ...listener, failed: this.onFailure }, signal);
  }

  /**
   * Stores a vote as a label of a task of its own; when this returns, it is on disk. Another vote on the same turn
   * corrects the one before.
   */
  async vote(conversation: Conversation, caller: Caller, given: Vote): Promise<TurnVote> {
    const turn = conversation.turnAt(given.turn);
    if (turn.vote?.eventId === given.id) return turn.vote;
    if (conversation.isAnswering && given.turn === conversation.turns.length - 1) {
      throw new HttpError('conflict', 'Wait until both answers are whole.');
    }
    conversation.expectWhole(turn);
    const { models, blind, sampling } = conversation.options;
    const task: NewLabelTask = {
      item: {
        prompt: conversation.messagesOf(given.turn),
        responses: turn.answers.map(({ text, modelId }) => ({ text, model: modelId! })),
      },
      key: `${conversation.options.id}/${given.turn}`,
      extra: { source: 'playground', models: [...models], ...sampling },
    };
    const queue = new LabelQueue(this.store, voteProject);
    await queue.add([task]);
    const { vote, turn: _, ...rest } = given;
    const { ranks, flags } = judgementOf(turn, vote);
    const submission = {
      ...{ ...rest, taskId: toTask(voteProject, task).id, ranks, flags, shownOrder: turn.order },
      annotator: { id: caller.id, ...(caller.group !== null && { group: caller.group }) },
      extra: { blind, seeds: turn.answers.map(({ seed }) => seed) },
    };
    const event = turn.vote
      ? await queue.correct(turn.vote.eventId, submission)
      : await queue.submit(submission);
    turn.vote = { eventId: event.id, vote };
    return turn.vote;
  }

  /**
   * Files a turn, prompt and both answers, for people to label.
   * @returns whether it is new: the same answers to the same prompt are one task
   */
  async file(
    conversation: Conversation,
    caller: Caller,
    { turn: index, note, harm }: Filing,
  ): Promise<{ readonly taskId: string; readonly project: string; readonly isNew: boolean }> {
    const turn = conversation.turnAt(index);
    conversation.expectWhole(turn);
    const { models, sampling } = conversation.options;
    const task: NewLabelTask = {
      item: {
        prompt: conversation.messagesOf(index),
        responses: turn.answers.map(({ text, modelId }) => ({ text, model: modelId! })),
      },
      contentWarning: 'Written to provoke harmful answers',
      priority: harm ?? 0,
      extra: {
        ...{
          source: 'playground',
          category: 'red-team',
          filedBy: caller.id,
          models: [...models],
          ...sampling,
        },
        seeds: turn.answers.map(({ seed }) => seed),
        ...(harm !== undefined && { harm }),
        ...(note?.trim() && { note: note.trim() }),
      },
    };
    const { added } = await new LabelQueue(this.store, redTeamProject).add([task]);
    return { taskId: toTask(redTeamProject, task).id, project: redTeamProject, isNew: added > 0 };
  }

  async close(): Promise<void> {
    for (const conversation of this.conversations.values()) conversation.stop();
    await this.shelf.close();
  }

  private forgetOld(owner: string): void {
    const own = [...this.conversations.values()].filter(({ options }) => options.owner === owner);
    const old = own.slice(0, Math.max(0, own.length - mostOfOnePerson));
    const most = [...this.conversations.values()].slice(
      0,
      Math.max(0, this.conversations.size - mostConversations),
    );
    for (const conversation of [...old, ...most]) {
      conversation.stop();
      this.conversations.delete(conversation.options.id);
    }
  }
}

/** Ranks by model, from a vote by side. */
function judgementOf(
  { order }: Turn,
  vote: TurnVote['vote'],
): { readonly ranks: readonly number[]; readonly flags?: readonly Flag[] } {
  if (vote === 'tie') return { ranks: [1, 1] };
  if (vote === 'both-bad') return { ranks: [1, 1], flags: ['all-bad'] };
  const better = order[sides.indexOf(vote satisfies Side)];
  return { ranks: [0, 1].map((model) => (model === better ? 1 : 2)) };
}
