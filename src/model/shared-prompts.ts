/**
 * Rows of one prompt and several responses to it, for which the prompt is computed once.
 *
 * A row is a prompt without its last token, then M responses of R tokens, each of which begins with the prompt's last
 * token, so that every token of a response is predicted by the one before it. The responses see the prompt and do not
 * see each other: everything but attention works token by token, so a row is all that it takes.
 *
 * Shapes: B rows, P tokens of prompts, M responses per row, R tokens of a response, T = P + M · R, W width of keys.
 */
import {
  and,
  attention,
  causalMask,
  concat,
  expand,
  type Graph,
  greaterOrEqual,
  less,
  reshape,
  rotaryTable,
  scoreMask,
  split,
  subtract,
  type Tensor,
} from '../tensor/index.ts';
import { type AttentionStep, type TokenInputs, turn } from './decoder.ts';
import type { DecoderConfig } from './decoder-config.ts';

/** The token inputs of a graph whose rows share prompts. */
export interface SharedPromptInputs extends Pick<TokenInputs, 'ids' | 'positions'> {
  /** [B, P] 1 = token of the prompt, 0 = padding, int32. */
  readonly promptSegments: Tensor;
  /** [B, M, R] 1 = token of a response, 0 = padding, int32. */
  readonly responseSegments: Tensor;
}

// Losses have symbols of one letter of their own.
const P = 'promptTokens';
const M = 'responsesPerRow';
const R = 'responseTokens';
/** Sizes of the parts of a row. */
const parts = [P, `${M}*${R}`];
/** All responses of the batch. */
const responses = `B*${M}`;

/** Declares them with symbolic sizes. */
export function sharedPromptInputs(graph: Graph): SharedPromptInputs {
  return {
    ids: graph.input('ids', 'int32', ['B', 'T']),
    positions: graph.input('positions', 'int32', ['B', 'T']),
    promptSegments: graph.input('promptSegments', 'int32', ['B', P]),
    responseSegments: graph.input('responseSegments', 'int32', ['B', M, R]),
  };
}

/** Attention of each response to its row's prompt and to itself, within each layer's window. */
export function sharedPromptAttention(config: DecoderConfig, inputs: SharedPromptInputs): AttentionStep {
  const { heads, kvHeads, headWidth, rotary, slidingWindows } = config;
  const { positions } = inputs;
  const table = rotary ? rotaryTable(positions, rotary.inverseFrequencies, rotary.attentionFactor) : null;
  const seen = positions.graph.sumOfDims([P, R]);
  /** [B · M, P + R, W]: each response's own, behind those of its prompt. */
  const behindPrompt = (prompt: Tensor, own: Tensor): Tensor => {
    const width = kvHeads * headWidth;
    const repeated = expand(reshape(prompt, ['B', 1, P, width]), ['B', M, P, width]);
    const before = reshape(repeated, [responses, P, width]);
    return concat([before, reshape(own, [responses, R, width])], 1, seen);
  };
  const masks = new Map<number | null, RowMasks>();
  const masksFor = (window: number | null): RowMasks => {
    const found = masks.get(window) ?? rowMasks(inputs, window, seen);
    masks.set(window, found);
    return found;
  };
  return (query, key, value, layer) => {
    const [promptQuery, responseQuery] = split(turn(query, table, heads), 1, parts);
    const [promptKey, responseKey] = split(turn(key, table, kvHeads), 1, parts);
    const [promptValue, responseValue] = split(value, 1, parts);
    const mask = masksFor(slidingWindows[layer]);
    const ofPrompt = attention(promptQuery, promptKey, promptValue, mask.prompt, { heads, kvHeads });
    const ofResponses = attention(
      reshape(responseQuery, [responses, R, heads * headWidth]),
      behindPrompt(promptKey, responseKey),
      behindPrompt(promptValue, responseValue),
      mask.responses,
      { heads, kvHeads },
    );
    return concat([ofPrompt, reshape(ofResponses, ['B', parts[1], heads * headWidth])], 1, 'T');
  };
}

interface RowMasks {
  /** [B, 1, 1, P, P] */
  readonly prompt: Tensor;
  /** [B · M, 1, 1, R, P + R] */
  readonly responses: Tensor;
}

/** @param window tokens seen, the token itself included; null = all earlier ones */
function rowMasks(
  { positions, promptSegments, responseSegments }: SharedPromptInputs,
  window: number | null,
  seen: string | number,
): RowMasks {
  const own = causalMask(reshape(responseSegments, [responses, R]), window);
  let sees = greaterOrEqual(reshape(promptSegments, ['B', 1, 1, 1, 1, P]), 1);
  if (window !== null) {
    const [promptPositions, responsePositions] = split(positions, 1, parts);
    const distance = subtract(
      reshape(responsePositions, ['B', M, 1, 1, R, 1]),
      reshape(promptPositions, ['B', 1, 1, 1, 1, P]),
    );
    sees = and(sees, less(distance, window));
  }
  const ofPrompt = expand(scoreMask(sees), ['B', M, 1, 1, R, P]);
  return {
    prompt: causalMask(promptSegments, window),
    responses: concat([reshape(ofPrompt, [responses, 1, 1, R, P]), own], -1, seen),
  };
}
