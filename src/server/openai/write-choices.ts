/** Lets the engine write the choices of one request, and tells each piece with its tokens. */
import { randomInt } from 'node:crypto';
import type { SharedReading } from '../../guard/index.ts';
import type { EngineAnswer, EngineToken, LocalEngine } from '../../llm/index.ts';
import type { TextRequest } from '../../model/index.ts';

/** A piece of a choice's text, with the tokens that spell it. */
export interface Piece {
  readonly choice: number;
  readonly text: string;
  /** None where they are not followed. */
  readonly tokens: readonly EngineToken[];
}

export interface Choices {
  readonly answers: readonly EngineAnswer[];
  /** [choices] the tokens that spell each one's text, where they are followed. */
  readonly tokens: readonly (readonly EngineToken[])[];
  /** [choices] the tokens behind those: of white space that is left out, of a stop text, or the one that ends a text. */
  readonly silent: readonly (readonly EngineToken[])[];
}

/**
 * @param requests          one per choice
 * @param options.onPiece   told each piece as it is written
 * @param options.follow    true: tokens are wanted, also without `onPiece`
 * @param options.reading   told what the engine's probe makes of the conversation and of the choices, before `onPiece`
 */
export async function writeChoices(
  engine: LocalEngine,
  requests: readonly TextRequest[],
  options: {
    readonly signal: AbortSignal;
    readonly follow: boolean;
    readonly onPiece?: (piece: Piece) => void;
    readonly reading?: SharedReading;
  },
): Promise<Choices> {
  const { signal, follow, onPiece, reading } = options;
  const tokens: EngineToken[][] = requests.map(() => []);
  const silent: EngineToken[][] = requests.map(() => []);
  const stop = new AbortController();
  const answers = requests.map(async (request, choice) => {
    const answer = await engine.generate(request, {
      signal: AbortSignal.any([signal, stop.signal]),
      ...(reading && { onPrompt: (numbers: Float32Array) => reading.promptRead(numbers) }),
      ...(follow && { onToken: (token: EngineToken) => void silent[choice].push(token) }),
      ...((follow || onPiece || reading) && {
        onText: (text: string, numbers: Float32Array) => {
          reading?.answer(choice).add(text, numbers);
          const spelling = silent[choice].splice(0);
          tokens[choice].push(...spelling);
          onPiece?.({ choice, text, tokens: spelling });
        },
      }),
    });
    reading?.answer(choice).end(answer.probe!);
    return answer;
  });
  try {
    return { answers: await Promise.all(answers), tokens, silent };
  } catch (error) {
    stop.abort(); // the other choices are of no use any more
    reading?.ended();
    throw error;
  }
}

/** The seeds of a request's choices: from the one that it names, or drawn. */
export function seedsOf(seed: number | undefined, count: number): number[] {
  const first = seed ?? randomInt(2 ** 31);
  return Array.from({ length: count }, (_, i) => (first + i) >>> 0);
}

/** What the choices used; each prompt counts once, however many choices it has. */
export function usageOf(
  { answers }: Choices,
  choicesPerPrompt: number,
): {
  readonly prompt_tokens: number;
  readonly completion_tokens: number;
  readonly total_tokens: number;
} {
  const promptTokens = answers.reduce(
    (sum, answer, i) => sum + (i % choicesPerPrompt === 0 ? answer.promptTokens : 0),
    0,
  );
  const completion = answers.reduce((sum, { outputTokens }) => sum + outputTokens, 0);
  return {
    prompt_tokens: promptTokens,
    completion_tokens: completion,
    total_tokens: promptTokens + completion,
  };
}
