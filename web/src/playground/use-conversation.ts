/** A conversation with two models: what was said, what is being written, and what can be done with it. */
import { useEffect, useRef, useState } from 'react';
import { announce } from '../base/announcer.tsx';
import { type Answer, ApiError, type Conversation, get, post, type Turn, type Voted } from '../base/api.ts';
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

const nothingYet: Answer = { text: '', finish: null, problem: null, outputTokens: null, ms: null };

/** @param id of a conversation that the server has; undefined for none */
export function useConversation(id: string | undefined): Talk {
  const [conversation, setConversation] = useState<Conversation | null>(null);
  const [problem, setProblem] = useState<string | null>(null);
  const [loading, setLoading] = useState(id !== undefined);
  const listening = useRef<AbortController | null>(null);
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

  /** Listens to both answers as they are written. */
  const listen = async (path: string, body: object, text: string, from?: Side): Promise<boolean> => {
    const controller = new AbortController();
    listening.current = controller;
    setProblem(null);
    let index = -1;
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
            changeTurn(index, () => data);
            announce('Both have answered.');
          }
        },
        controller.signal,
      );
      return true;
    } catch (error) {
      if (!controller.signal.aborted) setProblem(wordsFor(error as Error));
      return index >= 0;
    } finally {
      cancelAnimationFrame(frame);
      if (listening.current === controller) listening.current = null;
      setConversation((before) => before && { ...before, answering: false });
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

function wordsFor(error: Error): string {
  return error instanceof ApiError && error.status === 401 ? 'Sign in again to go on.' : error.message;
}
