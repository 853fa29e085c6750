/** A principle of a constitution tried on one example: the yes/no check, the critique, the revision, as they come. */
import {
  type Constitution,
  check,
  critique,
  principleOf,
  type ResponseInput,
  revise,
} from '../../constitution/index.ts';
import type { LanguageModel } from '../../llm/index.ts';
import type { Sampling } from './conversation.ts';

export interface TryInput {
  readonly constitution: Constitution;
  /** Its id. */
  readonly principle: string;
  readonly prompt: string;
  /** Default: the model answers the prompt. */
  readonly response?: string;
  readonly check: 'full' | 'brief';
  readonly sampling: Sampling;
  readonly seed: number;
}

/** `begin` also when an unusable text is asked for again: what was told of it counts no more. */
export type TryListener = (
  event: 'begin' | 'text' | 'response' | 'check' | 'critique' | 'revision',
  data: object,
) => void;

/** @throws TenetError('usage') for a principle that there is not; what the model throws */
export async function tryPrinciple(
  model: LanguageModel,
  input: TryInput,
  tell: TryListener,
  signal: AbortSignal,
): Promise<void> {
  const { constitution, principle, prompt, sampling, seed } = input;
  principleOf(constitution, principle);
  const writing = (step: 'response' | 'critique' | 'revision'): LanguageModel => ({
    ...layerless(model),
    chat: (request, options) => {
      tell('begin', { step });
      return model.chat(request, { ...options, onText: (piece) => tell('text', { step, piece }) });
    },
  });
  const response =
    input.response ??
    (
      await writing('response').chat(
        { messages: [{ role: 'user', content: prompt }], ...sampling, seed },
        { signal },
      )
    ).text;
  tell('response', { text: response });

  const example: ResponseInput = { prompt, response };
  const checked = await check(model, example, constitution, principle, {
    ...{ layout: input.check, seed, signal },
  });
  const { probability, violation, method, mass } = checked;
  tell('check', { probability, violation, method, mass });

  const { temperature, topP, maxTokens } = sampling;
  const asked = {
    ...{ principle, seed, signal, temperature, topP },
    ...{ critiqueLength: maxTokens, responseLength: maxTokens },
  };
  const found = await critique(writing('critique'), example, constitution, asked);
  tell('critique', {
    request: found.request,
    text: found.text,
    verdict: found.verdict,
    failure: found.failure,
  });

  const revision = await revise(writing('revision'), { ...example, critique: found }, constitution, asked);
  tell('revision', { request: revision.request, text: revision.text, failure: revision.failure });
}

/** The model's own members, bound, since a spread of a class's object has none of its methods. */
function layerless(model: LanguageModel): LanguageModel {
  return {
    id: model.id,
    exactChoices: model.exactChoices,
    chat: (request, options) => model.chat(request, options),
    choose: (request, options) => model.choose(request, options),
    close: () => model.close(),
  };
}
