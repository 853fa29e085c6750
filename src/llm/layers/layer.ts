/** A layer around a model: one function that every call goes through, whatever is asked. */
import type {
  CallOptions,
  ChatAnswer,
  ChatRequest,
  Choice,
  ChoiceRequest,
  LanguageModel,
  Usage,
} from '../language-model.ts';

/** What is asked. */
export type Question =
  | { readonly kind: 'chat'; readonly request: ChatRequest }
  | { readonly kind: 'choose'; readonly request: ChoiceRequest };

/** What all answers have. */
export interface Answered {
  readonly usage: Usage;
}

/**
 * What a layer does with a call.
 * @param ask puts the question to the model below; may be called never, once or several times
 */
export type Around = <Answer extends Answered>(
  question: Question,
  ask: (options: CallOptions) => Promise<Answer>,
  options: CallOptions,
) => Promise<Answer>;

/** The model with a layer around it. Closing it closes the model. */
export function withLayer(model: LanguageModel, around: Around): LanguageModel {
  return {
    id: model.id,
    get exactChoices() {
      return model.exactChoices;
    },
    chat: (request: ChatRequest, options: CallOptions = {}): Promise<ChatAnswer> =>
      around({ kind: 'chat', request }, (own) => model.chat(request, own), options),
    choose: (request: ChoiceRequest, options: CallOptions = {}): Promise<Choice> =>
      around({ kind: 'choose', request }, (own) => model.choose(request, own), options),
    close: () => model.close(),
  };
}
