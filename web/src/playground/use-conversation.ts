/** A conversation with two models: what was said, what is being written, and what can be done with it. */
import { useEffect, useRef, useState } from 'react';
import { announce } from '../base/announcer.tsx';
import {
  type Answer,
  ApiError,
  type Conversation,
  get,
  OfflineError,
  post,
  type Turn,
  type Voted,
} from '../base/api.ts';
import { postForEvents } from '../base/event-stream.ts';

export type Side = 'A' | 'B';
export const sides: readonly Side[] = ['A', 'B'];

export interface Talk {
  readonly conversation: Conversation | null;
  /** Null while nothing is wrong. */
  readonly problem: string | null;
  /** The models are answering. */
  readonly busy: boolean;
  readonly loading: boolean;
  /** @returns whether it was said, whatever became of the answers */
  readonly say: (text: string, from?: Side) => Promise<boolean>;
  readonly again: () => Promise<boolean>;
  readonly stop: () => void;
  readonly vote: (
    turn: number,
    vote: Voted['vote'],
    rest: { readonly rationale?: string; readonly activeMs?: number; readonly idleMs?: number },
  ) => Promise<boolean>;
}

/** How often a conversation is looked at that answers without being listened to. */
const followEveryMs = 1000;
const brokeOff = 'The answers broke off: the connection to the server was lost. Have both answer again.';

const nothingYet: Answer = { text: '', finish: null, problem: null, outputTokens: null, ms: null };

/** @param id of a conversation that the server has; undefined for none */
export function useConversation(id: string | undefined): Talk {
  const [conversation, setConversation] = useState<Conversation | null>(null);
  const [problem, setProblem] = useState<string | null>(null);
  const [loading, setLoading] = useState(id !== undefined);
  const listening = useRef<AbortController | null>(null);
  const [isListening, setIsListening] = useState(false);
  const address = `/api/playground/conversations/${id}`;

  useEffect(() => {
    setConversation(null);
    setProblem(null);
    if (id === undefined) return undefined;
    let left = false;
    setLoading(true);
    get<Conversation>(`/api/playground/conversations/${id}`).then(
      (found) => {
        if (left) return;
        setConversation(found);
        setLoading(false);
      },
      (error: Error) => {
        if (left) return;
        setProblem(error.message);
        setLoading(false);
      },
    );
    return () => {
      left = true;
      // Whoever leaves wants no more answers: the connection's end stops them.
      listening.current?.abort();
    };
  }, [id]);

  // In another tab, or before a connection broke off, somebody has asked; nobody tells this page when it is answered.
  const isFollowing = conversation?.answering === true && !isListening;
  useEffect(() => {
    if (!isFollowing) return undefined;
    let left = false;
    const look = async (): Promise<void> => {
      try {
        const found = await get<Conversation>(address);
        if (!left) setConversation(found);
        if (!left && isAnswered(found)) setProblem(null);
      } catch (error) {
        if (left || error instanceof OfflineError) return;
        setProblem(wordsFor(error as Error));
        setConversation(broken);
      }
    };
    const timer = setInterval(() => void look(), followEveryMs);
    return () => {
      left = true;
      clearInterval(timer);
    };
  }, [isFollowing, address]);

  const changeTurn = (index: number, change: (turn: Turn) => Turn): void =>
    setConversation(
      (before) =>
        before && { ...before, turns: before.turns.map((turn, i) => (i === index ? change(turn) : turn)) },
    );
  const changeAnswer = (index: number, side: Side, change: (answer: Answer) => Answer): void =>
    changeTurn(index, (turn) => ({
      ...turn,
      answers: { ...turn.answers, [side]: change(turn.answers[side]) },
    }));

  /**
   * After a stream that broke off, or was refused while the models answer: says so, and shows what the server has.
   * @param isBegun whether the server is known to have heard what was said
   * @returns whether it has
   */
  const catchUp = async (error: Error, isBegun: boolean, controller: AbortController): Promise<boolean> => {
    const turns = conversation?.turns.length ?? 0;
    const isCut = error instanceof OfflineError;
    setConversation(broken);
    setProblem(isCut && isBegun ? brokeOff : wordsFor(error));
    if (!isCut && (error as ApiError).status !== 409) return isBegun;
    const found = await get<Conversation>(address).catch(() => null);
    if (!found || controller.signal.aborted || listening.current !== controller) return isBegun;
    setConversation(found);
    const isHeard = isBegun || found.turns.length > turns;
    if (isCut && isHeard) setProblem(isAnswered(found) ? null : brokeOff);
    return isHeard;
  };

  /** Listens to both answers as they are written. */
  const listen = async (path: string, body: object, text: string, from?: Side): Promise<boolean> => {
    const controller = new AbortController();
    listening.current = controller;
    setIsListening(true);
    setProblem(null);
    let index = -1;
    let isWhole = false;
    // Pieces come faster than a screen is drawn: one drawing for all that come together.
    const pieces: Record<Side, string> = { A: '', B: '' };
    let frame = 0;
    const draw = (): void => {
      frame = 0;
      for (const side of sides) {
        const more = pieces[side];
        pieces[side] = '';
        if (more) changeAnswer(index, side, (answer) => ({ ...answer, text: answer.text + more }));
      }
    };
    setConversation((before) => before && { ...before, answering: true });
    try {
      await postForEvents(
        `${address}/${path}`,
        body,
        (event, data: { turn: number } & { side: Side; piece: string } & Turn & Answer) => {
          if (event === 'begin') {
            index = data.turn;
            setConversation((before) => before && withTurn(before, index, text, from));
          } else if (event === 'text') {
            pieces[data.side] += data.piece;
            frame ||= requestAnimationFrame(draw);
          } else if (event === 'end') {
            pieces[data.side] = '';
            const { side, text: whole, finish, problem: why } = data;
            changeAnswer(index, side, (answer) => ({ ...answer, text: whole, finish, problem: why }));
          } else if (event === 'turn') {
            isWhole = true;
            changeTurn(index, () => data);
            announce('Both have answered.');
          }
        },
        controller.signal,
      );
      if (!isWhole) throw new OfflineError(); // whatever stands between has ended the stream
      setConversation((before) => before && { ...before, answering: false });
      return true;
    } catch (error) {
      if (controller.signal.aborted) return index >= 0;
      draw();
      return await catchUp(error as Error, index >= 0, controller);
    } finally {
      cancelAnimationFrame(frame);
      if (listening.current === controller) {
        listening.current = null;
        setIsListening(false);
      }
    }
  };
  const last = conversation?.turns.at(-1);
  return {
    ...{ conversation, problem, loading, busy: conversation?.answering ?? false },
    say: (text, from) => listen('turns', { text, ...(from && { from }) }, text, from),
    again: () => listen('again', {}, last?.text ?? ''),
    stop: () => void post(`${address}/stop`).catch((error: Error) => setProblem(error.message)),
    vote: async (turn, vote, rest) => {
      setProblem(null);
      try {
        const voted = await post<Voted>(`${address}/votes`, { id: crypto.randomUUID(), turn, vote, ...rest });
        changeTurn(turn, (before) => ({ ...before, vote: voted.vote, models: voted.models }));
        announce(`Stored. A was ${voted.models.A}, B was ${voted.models.B}.`);
        return true;
      } catch (error) {
        setProblem(wordsFor(error as Error));
        return false;
      }
    },
  };
}

function withTurn(before: Conversation, index: number, text: string, from: Side | undefined): Conversation {
  const earlier = before.turns
    .slice(0, index)
    .map((turn, i) => (i === index - 1 && from ? { ...turn, goneOnFrom: from } : turn));
  const fresh: Turn = {
    ...{ text, models: null, vote: null, goneOnFrom: null },
    answers: { A: nothingYet, B: nothingYet },
  };
  return { ...before, turns: [...earlier, fresh] };
}

/** A conversation whose answers under way will not be told any more. */
function broken(before: Conversation | null): Conversation | null {
  const turn = before?.turns.at(-1);
  if (!before || !turn) return before && { ...before, answering: false };
  const ended = (answer: Answer): Answer =>
    answer.finish === null ? { ...answer, finish: 'failed', problem: 'It broke off.' } : answer;
  const answers = { A: ended(turn.answers.A), B: ended(turn.answers.B) };
  return { ...before, answering: false, turns: [...before.turns.slice(0, -1), { ...turn, answers }] };
}

/** Whether both answers to what was said last are whole. */
function isAnswered({ turns }: Conversation): boolean {
  const turn = turns.at(-1);
  return turn !== undefined && sides.every((side) => isDone(turn.answers[side]));
}

export function isDone({ finish }: Answer): boolean {
  return finish === 'stop' || finish === 'length' || finish === 'filter';
}

function wordsFor(error: Error): string {
  return error instanceof ApiError && error.status === 401 ? 'Sign in again to go on.' : error.message;
}
