/** The options that `tenet generate` and `tenet chat` share. */
import type { Command } from 'commander';
import type { TextOptions } from '../model/index.ts';
import { anyNumber } from './flag-values.ts';

export interface SamplingFlags {
  readonly model: string;
  readonly system?: string;
  readonly maxNewTokens?: number;
  readonly temperature?: number;
  readonly topK?: number;
  readonly topP?: number;
  readonly minP?: number;
  readonly repetitionPenalty?: number;
  readonly stop?: readonly string[];
  readonly seed: number;
  readonly threads?: number;
}

/** Adds all but `--model`. Ranges are checked by the model's side, which names all that is wrong at once. */
export function withSamplingFlags(command: Command): Command {
  return command
    .option('--system <text>', 'system message at the start of each conversation')
    .option('--max-new-tokens <n>', 'longest response in tokens (default: the model’s, or 256)', anyNumber)
    .option(
      '--temperature <t>',
      '0 takes the likeliest token, 1 samples (default: the model’s, or 1)',
      anyNumber,
    )
    .option(
      '--top-k <k>',
      'sample from the k likeliest tokens, 0 = all (default: the model’s, or 0)',
      anyNumber,
    )
    .option(
      '--top-p <p>',
      'sample from the likeliest tokens of this share (default: the model’s, or 1)',
      anyNumber,
    )
    .option(
      '--min-p <p>',
      'only tokens this likely relative to the likeliest (default: the model’s, or 0)',
      anyNumber,
    )
    .option('--repetition-penalty <r>', 'above 1: fewer repetitions (default: the model’s, or 1)', anyNumber)
    .option(
      '--stop <text>',
      'end before this text; \\n is a new line; may be repeated',
      (value: string, previous: readonly string[] = []) => [...previous, withEscapes(value)],
    )
    .option('--seed <n>', 'same seed, same responses', anyNumber, 0)
    .option('--threads <n>', 'threads of the engine (default: all cores)', anyNumber);
}

/** What the flags say about a response; flags not given are left to the model's folder. */
export function textOptions(flags: SamplingFlags): Omit<TextOptions, 'seed'> {
  const { maxNewTokens, temperature, topK, topP, minP, repetitionPenalty, stop } = flags;
  return { maxNewTokens, temperature, topK, topP, minP, repetitionPenalty, stop };
}

/** Shells make it hard to type a new line or a tab. */
function withEscapes(text: string): string {
  return text.replace(/\\([nt\\])/g, (_, letter: string) => ({ n: '\n', t: '\t', '\\': '\\' })[letter]!);
}
