/** The playground: two models side by side, votes, and prompts filed as label tasks. */
import type { Context } from 'hono';
import { z } from 'zod';
import { eventStream } from '../http/event-stream.ts';
import { type Route, route } from '../http/route.ts';
import {
  type Conversation,
  type Side,
  sides,
  type Turn,
  type TurnAnswer,
} from '../playground/conversation.ts';
import type { Playground } from '../playground/playground.ts';
import {
  beginSchema,
  conversationId,
  conversationSchema,
  filedSchema,
  fileSchema,
  saySchema,
  shelfModelSchema,
  votedSchema,
  voteSchema,
} from '../schemas/playground-schemas.ts';

const tag = 'Playground';
const access = 'playground';
const streamed = 'server-sent events begin, text, end, turn';

export function playgroundRoutes(playground: Playground): Route[] {
  return [
    route({
      ...{ method: 'get', path: '/api/playground/models', tag, access },
      summary: 'Models that one may talk with',
      answer: z.object({ models: z.array(shelfModelSchema) }),
      handle: async () => ({ models: await playground.shelf.list() }),
    }),
    route({
      ...{ method: 'post', path: '/api/playground/conversations', tag, access },
      summary: 'Begin a conversation with two models',
      body: beginSchema,
      answer: conversationSchema,
      handle: async ({ body, caller }) => viewOf(await playground.begin({ ...body, owner: caller.id })),
    }),
    route({
      ...{ method: 'get', path: '/api/playground/conversations/{conversation}', tag, access },
      summary: 'A conversation of mine as it stands',
      params: conversationId,
      answer: conversationSchema,
      handle: async ({ params, caller }) => viewOf(playground.get(params.conversation, caller)),
    }),
    route({
      ...{ method: 'post', path: '/api/playground/conversations/{conversation}/turns', tag, access },
      summary: `Say something; both models answer: ${streamed}`,
      params: conversationId,
      body: saySchema,
      produces: 'text/event-stream',
      handle: async ({ params, body, caller, context }) =>
        answerInto(context, playground, playground.get(params.conversation, caller), body),
    }),
    route({
      ...{ method: 'post', path: '/api/playground/conversations/{conversation}/again', tag, access },
      summary: `Have the last turn answered anew: ${streamed}`,
      params: conversationId,
      produces: 'text/event-stream',
      handle: async ({ params, caller, context }) =>
        answerInto(context, playground, playground.get(params.conversation, caller), 'again'),
    }),
    route({
      ...{ method: 'post', path: '/api/playground/conversations/{conversation}/stop', tag, access },
      summary: 'Stop the answers under way; what is written so far stays',
      params: conversationId,
      answer: z.object({}),
      handle: async ({ params, caller }) => {
        playground.get(params.conversation, caller).stop();
        return {};
      },
    }),
    route({
      ...{ method: 'post', path: '/api/playground/conversations/{conversation}/votes', tag, access },
      summary: 'Vote on a turn, or correct a vote; when this answers, it is on disk as a label',
      params: conversationId,
      body: voteSchema,
      answer: votedSchema,
      handle: async ({ params, body, caller }) => {
        const conversation = playground.get(params.conversation, caller);
        const { eventId, vote } = await playground.vote(conversation, caller, body);
        return { eventId, vote, models: conversation.modelsOf(conversation.turnAt(body.turn))! };
      },
    }),
    route({
      ...{ method: 'post', path: '/api/playground/conversations/{conversation}/tasks', tag, access },
      summary: 'File a turn, prompt and both answers, as a label task',
      params: conversationId,
      body: fileSchema,
      answer: filedSchema,
      handle: ({ params, body, caller }) =>
        playground.file(playground.get(params.conversation, caller), caller, body),
    }),
  ];
}

function answerInto(
  context: Context,
  playground: Playground,
  conversation: Conversation,
  said: Parameters<Playground['answer']>[1],
): Response {
  // What is refused is refused with a status, before the stream begins.
  const answering = playground.answer(conversation, said);
  return eventStream(context, async (send, signal) => {
    const listener = {
      begin: (turn: number) => send('begin', { turn }),
      text: (side: Side, piece: string) => send('text', { side, piece }),
      end: (side: Side, { text, finish, problem }: TurnAnswer) =>
        send('end', { side, text, finish, problem }),
    };
    await answering(listener, signal);
    send('turn', viewOfTurn(conversation, conversation.turns.at(-1)!));
  });
}

function viewOf(conversation: Conversation): z.infer<typeof conversationSchema> {
  const { id, blind, models, system, sampling } = conversation.options;
  return {
    ...{ id, blind, models: [...models], system: system ?? null, sampling, seed: conversation.seed },
    answering: conversation.isAnswering,
    turns: conversation.turns.map((turn) => viewOfTurn(conversation, turn)),
  };
}

type TurnView = z.infer<typeof conversationSchema>['turns'][number];

function viewOfTurn(conversation: Conversation, turn: Turn): TurnView {
  const models = conversation.modelsOf(turn);
  const answerAt = (position: number): TurnView['answers']['A'] => {
    const { text, finish, problem, outputTokens, ms } = turn.answers[turn.order[position]];
    // How fast and how long may tell which is which.
    return {
      ...{ text, finish, problem },
      ...(models ? { outputTokens, ms } : { outputTokens: null, ms: null }),
    };
  };
  return {
    text: turn.text,
    answers: { A: answerAt(0), B: answerAt(1) },
    models: models && { ...models },
    vote: turn.vote?.vote ?? null,
    goneOnFrom: turn.goneOnFrom === null ? null : sides[turn.order.indexOf(turn.goneOnFrom)],
  };
}
