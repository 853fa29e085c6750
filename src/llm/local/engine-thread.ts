/** The thread that holds a local model; started by `LocalEngine`. */
import { parentPort, workerData } from 'node:worker_threads';
import { answerCall, hashOf, sendableError } from '../../base/index.ts';
import { TextGenerator, type TokenAlternatives } from '../../model/index.ts';
import { tokenBytes } from '../../text/index.ts';
import { hashModelFolder } from './folder-hash.ts';
import { HeldNews } from './held-news.ts';
import type {
  EngineAnswer,
  EngineJob,
  EngineNews,
  EngineScores,
  EngineToken,
  FromEngine,
  ToEngine,
} from './protocol.ts';

const port = parentPort;
if (!port) throw new Error('engine-thread.ts must be started as a worker thread');
const send = (message: FromEngine): void => port.postMessage(message);

const { folder, options } = workerData as EngineJob;
/** Requests that are not finished, to be cancelled by id. */
const running = new Map<number, AbortController>();

try {
  const model = await TextGenerator.load(folder, options);
  const hash = await hashModelFolder(folder);
  const template = model.template === null ? 'none' : model.template.isDefault ? 'plain' : 'own';
  port.on('message', (message: ToEngine) => void take(model, message));
  const templateHash = model.template === null ? null : hashOf(model.template.source);
  send({ kind: 'ready', facts: { hash, contextLength: model.contextLength, template, templateHash } });
} catch (error) {
  send({ kind: 'unusable', error: sendableError(error) });
}

async function take(model: TextGenerator, message: ToEngine): Promise<void> {
  if (message.kind === 'cancel') {
    running.get(message.id)?.abort();
    return;
  }
  if (message.kind === 'close') {
    for (const controller of running.values()) controller.abort();
    await model.release();
    port!.close();
    return;
  }
  const { id } = message;
  const controller = new AbortController();
  running.set(id, controller);
  const { signal } = controller;
  await answerCall(port!, id, () =>
    message.kind === 'generate' ? generate(model, message, signal) : score(model, message, signal),
  );
  running.delete(id);
}

async function generate(
  model: TextGenerator,
  { id, request, follow, probe }: Extract<ToEngine, { kind: 'generate' }>,
  signal: AbortSignal,
): Promise<EngineAnswer> {
  const held = new HeldNews(send);
  const tell = probe ? (news: EngineNews) => held.add(news) : send;
  // What is echoed begins with the second token: how likely the first one is, nothing tells.
  if (request.echo) send({ kind: 'token', id, token: describe(model, model.promptIds(request)[0]) });
  const { text, finish, stopString, promptTokens, ids } = await model.submit(request, {
    signal,
    ...(follow && {
      onToken: (token: number, _: number, alternatives?: TokenAlternatives) =>
        tell({ kind: 'token', id, token: describe(model, token, alternatives) }),
      onText: (piece: string) => tell({ kind: 'text', id, piece }),
    }),
    ...(probe && {
      onPrompt: (numbers: Float32Array) => send({ kind: 'prompt', id, probe: numbers }),
      onRead: (numbers: Float32Array) => held.read(numbers),
    }),
  });
  // All is read but the control token that may have ended the text.
  held.release();
  const echoed = request.echo ? promptTokens - 1 : 0;
  return {
    ...{ text, finish, stopString, promptTokens, outputTokens: ids.length - echoed },
    ...(probe && { probe: held.takeNumbers() }),
  };
}

async function score(
  model: TextGenerator,
  { request, texts }: Extract<ToEngine, { kind: 'score' }>,
  signal: AbortSignal,
): Promise<EngineScores> {
  const { promptTokens, continuations } = await model.continuations(request, texts, { signal });
  return {
    promptTokens,
    continuations: continuations.map(({ ids, logProbs }) => ({
      ids,
      logProb: logProbs.reduce((sum, logProb) => sum + logProb, 0),
    })),
  };
}

function describe(model: TextGenerator, id: number, alternatives?: TokenAlternatives): EngineToken {
  const named = (token: number): Omit<EngineToken, 'alternatives'> => {
    const bytes = tokenBytes(model.tokenizer, token) ?? new Uint8Array();
    const isControl = model.tokenizer.specialIds.has(token);
    return { id: token, text: new TextDecoder().decode(bytes), bytes: Array.from(bytes), isControl };
  };
  if (!alternatives) return named(id);
  const likeliest = alternatives.likeliest.map((other) => ({ ...named(other.id), logProb: other.logProb }));
  return { ...named(id), alternatives: { logProb: alternatives.logProb, likeliest } };
}
