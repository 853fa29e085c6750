/** The guard around a model of the AI SDK. */
import type { LanguageModelMiddleware } from 'ai';
import { TenetError } from '../../base/index.ts';
import type { Exchange } from '../enforce/exchange.ts';
import { ScreeningFailure } from '../enforce/screening-failure.ts';
import { refusesOtherContent } from '../policy/policy.ts';
import type { GuardMessage } from '../screen.ts';
import { otherContentIn } from '../wire/texts.ts';
import { guardedParts, streamOf } from './guarded-parts.ts';
import {
  fileIn,
  promptMessages,
  refusedParts,
  refusedResult,
  SdkAnswerText,
  type SdkCall,
  type SdkContent,
  type SdkPart,
} from './sdk-parts.ts';

/** Begins the guarding of one call. */
export type BeginSdkCall = (
  model: string,
  messages: readonly GuardMessage[],
  call: { readonly stream: boolean; readonly signal?: AbortSignal },
) => Exchange;

export function sdkMiddleware(begin: BeginSdkCall): LanguageModelMiddleware {
  return {
    specificationVersion: 'v3',

    async wrapGenerate({ doGenerate, params, model }) {
      const exchange = begin(model.modelId, promptMessages(params), {
        stream: false,
        signal: params.abortSignal,
      });
      try {
        checkReadable(exchange, fileIn(params));
        if (await exchange.refusesInput()) {
          exchange.finish();
          return refusedResult(exchange.rules.refusal, metadataOf(exchange, 'input'));
        }
        exchange.prepare(1);
        const result = await doGenerate();
        checkReadable(exchange, fileOf(result.content));
        const answer = exchange.answer<SdkContent>();
        const text = new SdkAnswerText();
        const pieces = result.content.map((item) => ({ item, text: text.read(item)?.text ?? '' }));
        const content = [...(await answer.add(pieces)), ...(await answer.end())];
        exchange.finish();
        if (answer.isBlocked)
          return refusedResult(exchange.rules.refusal, metadataOf(exchange, 'output'), result);
        return { ...result, content };
      } catch (error) {
        exchange.finish(outcomeOf(error, params));
        throw told(error);
      }
    },

    async wrapStream({ doStream, params, model }) {
      const exchange = begin(model.modelId, promptMessages(params), {
        stream: true,
        signal: params.abortSignal,
      });
      try {
        checkReadable(exchange, fileIn(params));
        if (await exchange.refusesInput()) {
          exchange.finish();
          return {
            stream: streamOfAll(refusedParts(exchange.rules.refusal, metadataOf(exchange, 'input'), [])),
          };
        }
        exchange.prepare(1);
        const result = await doStream();
        const text = new SdkAnswerText();
        const source = result.stream.getReader();
        const batches = guardedParts<SdkPart>({
          source,
          answer: exchange.answer<SdkPart>(),
          read: (part) => {
            checkReadable(exchange, fileOf([part]));
            return exchange.rules.mode === 'off' ? { text: '' } : text.read(part);
          },
          refuse: (left) => refusedParts(exchange.rules.refusal, metadataOf(exchange, 'output'), left),
        });
        const stream = streamOf<SdkPart>(batches, {
          source,
          onEnd: (how) => {
            if (how === 'done') exchange.finish();
            else if (how === 'cancelled') exchange.finish('aborted');
            else {
              exchange.finish(outcomeOf(how.error, params));
              return [{ type: 'error', error: told(how.error) }];
            }
            return undefined;
          },
        });
        return { ...result, stream };
      } catch (error) {
        exchange.finish(outcomeOf(error, params));
        throw told(error);
      }
    },
  };
}

function metadataOf({ facts }: Exchange, blocked: 'input' | 'output') {
  return { requestId: facts.requestId, blocked };
}

/** Where an answer holds a file, by itself or in what a tool has answered; or null. */
function fileOf(content: readonly (SdkContent | SdkPart)[]): string | null {
  for (const [n, part] of content.entries()) {
    if (part.type === 'file') return `content.${n}`;
    const inside = part.type === 'tool-result' ? otherContentIn(part, `content.${n}`) : null;
    if (inside !== null) return inside;
  }
  return null;
}

/** @throws TenetError('usage') */
function checkReadable({ rules }: Exchange, place: string | null): void {
  if (place === null || !refusesOtherContent(rules)) return;
  throw new TenetError(
    'usage',
    `The guard reads texts only and cannot screen ${place}. Leave it out, or let it pass with otherContent: 'allow'.`,
    { details: { place } },
  );
}

function told(error: unknown): unknown {
  if (!(error instanceof ScreeningFailure)) return error;
  return new TenetError('provider', `The model was not asked, or its answer withheld: ${error.message}.`, {
    cause: error,
  });
}

function outcomeOf(error: unknown, { abortSignal }: SdkCall): 'aborted' | 'refused' | 'failed' {
  if (abortSignal?.aborted) return 'aborted';
  const isRefused = error instanceof ScreeningFailure || (TenetError.is(error) && 'place' in error.details);
  return isRefused ? 'refused' : 'failed';
}

function streamOfAll(parts: readonly SdkPart[]): ReadableStream<SdkPart> {
  return new ReadableStream<SdkPart>({
    start(controller) {
      for (const part of parts) controller.enqueue(part);
      controller.close();
    },
  });
}
