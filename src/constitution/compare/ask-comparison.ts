/** Puts one comparison to a judge: two responses, one principle, one order. */
import { Random } from '../../base/index.ts';
import type { Choice, LanguageModel, Message, Usage } from '../../llm/index.ts';
import type { ComparisonExample, Constitution, Principle } from '../constitution.ts';
import { quoteConversation } from '../conversation.ts';
import { type Template, templateOf } from '../template.ts';
import { sumUsage } from '../usage.ts';
import { comparisonQuestionOf, introductionOf } from '../wording.ts';
import type { ComparisonOptions } from './options.ts';

/** Two responses to one prompt. */
export interface ResponsePair {
  readonly prompt: readonly Message[];
  readonly responses: readonly [string, string];
}

/** What a judge said to one question. */
export interface Answer {
  readonly principle: string;
  /** Index of the response shown as option A; null where the two were judged apart. */
  readonly shownFirst: 0 | 1 | null;
  /** That `responses[0]` is better, whatever the order shown. */
  readonly probability: number;
  /** Probability of the two letters together: low when the judge did not answer the question. */
  readonly mass: number;
  readonly method: Choice['method'];
  readonly reasoning: string | null;
  readonly model: string;
  readonly template: Template;
  readonly seed: number;
  readonly usage: Usage;
}

export interface JudgeContext {
  readonly model: LanguageModel;
  readonly constitution: Constitution;
  readonly options: Pick<
    ComparisonOptions,
    'chainOfThought' | 'fewShot' | 'layout' | 'temperature' | 'reasoningLength' | 'votes'
  >;
  readonly seed: number;
  readonly signal?: AbortSignal;
  /** Which of the wordings around the principle to use, from 0; others only to measure how much they matter. Default 0. */
  readonly wording?: number;
}

/** The same question in other words. In each, the last line asks for the letter. */
interface Wording {
  readonly before: string;
  readonly after: string;
}

const wordings: readonly Wording[] = [
  {
    before:
      'Consider the following conversation between a human and an assistant, and two responses with which it could go on.',
    after: 'Answer with the letter of the better response, A or B.',
  },
  {
    before:
      'Below are the beginning of a chat and two candidates, A and B, for what the assistant says next.',
    after: 'Which candidate is better under this question? Reply with A or B.',
  },
];
/** How many wordings there are. */
export const WORDINGS: number = wordings.length;

const stepByStep =
  'Think step by step: say for each of the two responses what speaks for it and against it under this question. Then say ' +
  'which one is better.';
const soTheAnswer = 'So the better response is, A or B?';
const letters: readonly string[] = ['A', 'B'];

/** @param shownFirst index of the response that is shown as option A */
export async function askComparison(
  pair: ResponsePair,
  principle: Principle,
  shownFirst: 0 | 1,
  context: JudgeContext,
): Promise<Answer> {
  const { model, constitution, options, seed, signal, wording = 0 } = context;
  const { chainOfThought, layout, temperature, votes, reasoningLength } = options;
  const introduction = layout === 'full' ? introductionOf(constitution) : '';
  const question = comparisonQuestionOf(principle);
  const shots = examplesFor(constitution, principle, options.fewShot, chainOfThought, seed);
  const frame = { question, layout, chainOfThought, wording };
  const shown = shownFirst === 0 ? pair.responses : ([pair.responses[1], pair.responses[0]] as const);
  let messages: Message[] = [
    ...shots.flatMap((shot) => shotMessages(shot, frame)),
    { role: 'user', content: questionText(pair.prompt, shown, frame) },
  ];
  if (introduction !== '') {
    messages = [{ role: 'user', content: `${introduction}\n\n${messages[0].content}` }, ...messages.slice(1)];
  }
  const usages: Usage[] = [];
  let reasoning: string | null = null;
  if (chainOfThought) {
    const thought = await model.chat({ messages, temperature, maxTokens: reasoningLength, seed }, { signal });
    usages.push(thought.usage);
    // Providers refuse an empty turn.
    reasoning = thought.text.trim() || '(no reasoning)';
    messages = [
      ...messages,
      { role: 'assistant', content: reasoning },
      { role: 'user', content: soTheAnswer },
    ];
  }
  const choice = await model.choose(
    { messages, options: letters, temperature: model.exactChoices ? 1 : temperature, votes, seed },
    { signal },
  );
  usages.push(choice.usage);
  return {
    principle: principle.id,
    shownFirst,
    probability: choice.probabilities[shownFirst === 0 ? 0 : 1],
    mass: choice.mass,
    method: choice.method,
    reasoning,
    model: model.id,
    template: templateOf(`comparison/${layout}@1`, introduction, frame, wordings[wording], shots),
    seed,
    usage: sumUsage(usages),
  };
}

interface Frame {
  readonly question: string;
  readonly layout: ComparisonOptions['layout'];
  readonly chainOfThought: boolean;
  readonly wording: number;
}

/**
 * The question as one message. The brief layout is, with nothing around it,
 *
 *     Human: <what was said>
 *
 *     <question>
 *     A: <response>
 *     B: <response>
 */
export function questionText(
  prompt: readonly Message[],
  [a, b]: readonly [string, string],
  { question, layout, chainOfThought, wording }: Frame,
): string {
  const conversation = quoteConversation(prompt);
  if (layout === 'brief') {
    const ending = chainOfThought ? `\n${stepByStep}` : '';
    return `${conversation}\n\n${question}\nA: ${a.trim()}\nB: ${b.trim()}${ending}`;
  }
  const { before, after } = wordings[wording];
  return [
    before,
    `<conversation>\n${conversation}\n</conversation>`,
    question,
    `<response A>\n${a.trim()}\n</response A>`,
    `<response B>\n${b.trim()}\n</response B>`,
    chainOfThought ? stepByStep : after,
  ].join('\n\n');
}

function shotMessages(shot: ComparisonExample, frame: Frame): Message[] {
  const question: Message = { role: 'user', content: questionText(shot.prompt, shot.responses, frame) };
  const answer: Message = { role: 'assistant', content: letters[shot.better] };
  if (!frame.chainOfThought) return [question, answer];
  return [
    question,
    { role: 'assistant', content: shot.reasoning! },
    { role: 'user', content: soTheAnswer },
    answer,
  ];
}

/**
 * Examples of comparisons: those of the document, and the principle's own, whose revision is better than the response.
 * The better one stands in either place equally often, so that they teach no place.
 */
function examplesFor(
  constitution: Constitution,
  principle: Principle,
  count: number,
  chainOfThought: boolean,
  seed: number,
): ComparisonExample[] {
  if (count === 0) return [];
  const random = new Random(seed).fork('examples');
  const own = principle.examples.flatMap(({ prompt, response, critique, revision }): ComparisonExample[] =>
    revision === null ? [] : [{ prompt, responses: [response, revision], better: 1, reasoning: critique }],
  );
  const usable = (example: ComparisonExample): boolean => !chainOfThought || example.reasoning !== null;
  const others = random.shuffled(constitution.comparisonExamples.filter(usable));
  const chosen = [...own.filter(usable), ...others].slice(0, count);
  const firstPlace = random.int(2);
  return chosen
    .map((example, i) => placed(example, ((firstPlace + i) % 2) as 0 | 1, chainOfThought))
    .reverse();
}

/** The example with its better response in the given place, unless reasoning is shown that names the letters. */
function placed(example: ComparisonExample, better: 0 | 1, showsReasoning: boolean): ComparisonExample {
  const namesLetters = /\b(option|response|answer)?\s*\(?[AB]\)?\b/.test(example.reasoning ?? '');
  if (example.better === better || (showsReasoning && namesLetters)) return example;
  const [a, b] = example.responses;
  return { ...example, responses: [b, a], better };
}
