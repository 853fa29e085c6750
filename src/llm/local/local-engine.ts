/**
 * A model folder on Tenet's own engine, in a thread of its own, so that the process stays responsive.
 *
 * Whatever is asked at the same time is computed together: a request joins the running batch as soon as there is
 * room and leaves it when it is finished. See docs/decisions/2026-11-26-one-batch-for-all-callers.md.
 */
import { openWorkerCalls, TenetError, type WorkerCalls } from '../../base/index.ts';
import type { TextRequest } from '../../model/index.ts';
import { interrupted, onAbort } from '../layers/signals.ts';
import type {
  EngineAnswer,
  EngineFacts,
  EngineJob,
  EngineNews,
  EngineOptions,
  EngineScores,
  EngineToken,
  ToEngine,
} from './protocol.ts';

export interface GenerateCall {
  readonly signal?: AbortSignal;
  /** Told each token as it is chosen. */
  readonly onToken?: (token: EngineToken) => void;
  /**
   * Told each piece of text as soon as it is certain, after the token that made it so.
   * @param probe [tokens, N] where a probe's numbers are asked for: of the tokens that were read since the piece before
   */
  readonly onText?: (piece: string, probe: Float32Array) => void;
  /**
   * Asks for the numbers of the engine's probe: told those of the prompt's tokens, [tokens, N], before all else. Tokens and
   * texts of the response then wait until the model has read them, which is a step.
   */
  readonly onPrompt?: (probe: Float32Array) => void;
}

const none = new Float32Array();

export class LocalEngine {
  readonly facts: EngineFacts;
  private readonly calls: WorkerCalls<ToEngine, EngineNews>;

  private constructor(calls: WorkerCalls<ToEngine, EngineNews>, facts: EngineFacts) {
    this.calls = calls;
    this.facts = facts;
  }

  /** @throws TenetError('model') when the folder holds no language model */
  static async load(folder: string, options: EngineOptions = {}): Promise<LocalEngine> {
    const { calls, facts } = await openWorkerCalls<ToEngine, EngineFacts, EngineNews>(
      new URL('./engine-thread.ts', import.meta.url),
      {
        job: { folder, options } satisfies EngineJob,
        name: `The engine’s thread for ${folder}`,
        closedError: () => new TenetError('internal', 'The local model was closed while it was in use.'),
      },
    );
    return new LocalEngine(calls, facts);
  }

  /** Requests under way. */
  get load(): number {
    return this.calls.waiting;
  }

  /**
   * Writes one response.
   * @throws TenetError('usage') for a request that is wrong; TenetError('interrupted') when the signal fires
   */
  generate(request: TextRequest, call: GenerateCall = {}): Promise<EngineAnswer> {
    const follow = call.onToken !== undefined || call.onText !== undefined;
    const probe = call.onPrompt !== undefined;
    return this.ask<EngineAnswer>(
      { kind: 'generate', id: this.calls.nextId(), request, follow, probe },
      call,
    );
  }

  /**
   * Log-probabilities of texts as the beginning of the response; the prompt is read once for all of them.
   * @throws as `generate` does
   */
  score(
    request: TextRequest,
    texts: readonly string[],
    call: { readonly signal?: AbortSignal } = {},
  ): Promise<EngineScores> {
    return this.ask<EngineScores>({ kind: 'score', id: this.calls.nextId(), request, texts }, call);
  }

  /** Stops what is under way and frees the model's memory. */
  close(): Promise<void> {
    return this.calls.close({ kind: 'close' });
  }

  private async ask<Result>(
    question: ToEngine & { readonly id: number },
    { signal, onToken, onText, onPrompt }: GenerateCall,
  ): Promise<Result> {
    const { calls } = this;
    if (!calls.isClosed && signal?.aborted) throw interrupted();
    const forget = onAbort(signal, () => {
      calls.send({ kind: 'cancel', id: question.id });
      calls.drop(question.id, interrupted());
    });
    try {
      return await calls.ask<Result>(question, (news) => {
        if (news.kind === 'token') onToken?.(news.token);
        else if (news.kind === 'prompt') onPrompt?.(news.probe);
        else onText?.(news.piece, news.probe ?? none);
      });
    } finally {
      forget();
    }
  }
}
