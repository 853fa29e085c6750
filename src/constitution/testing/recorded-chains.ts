/** The recorded critique chains of Bai et al. 2022, kept beside the checkout; for tests. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { sharedData } from '../../base/testing.ts';
import { parseTranscript } from '../../data/index.ts';
import type { Message } from '../../llm/index.ts';

const folder = sharedData('constitutional-ai/samples');

export const recordedChainsExist: boolean = folder !== null;

export interface RecordedChain {
  readonly prompt: readonly Message[];
  readonly initial: string;
  readonly rounds: readonly {
    /** Name of the principle in the paper's file, as in `harmful7`. */
    readonly principle: string;
    readonly critiqueRequest: string;
    /** As the model wrote it, with white space and rules around it. */
    readonly critique: string;
    readonly revision: string;
  }[];
}

interface Recorded {
  readonly rl_prompt: string;
  readonly initial_response: readonly { readonly sample: string }[];
  readonly cst: readonly {
    readonly cst_key: string;
    readonly cst_value: { readonly prompt: readonly string[] };
    readonly critique: { readonly sample: string };
    readonly revision: { readonly sample: string };
  }[];
}

/** All 26 chains of four rounds, those on InstructGPT's prompts first. */
export function recordedChains(): RecordedChain[] {
  const lines = ['INSTRUCTGPT_SLMADISON', 'LAMDA_SLMADISON'].flatMap((name) =>
    readFileSync(join(folder!, `${name}.jsonl`), 'utf8')
      .trimEnd()
      .split('\n'),
  );
  return lines.map((line) => {
    const { rl_prompt, initial_response, cst } = JSON.parse(line) as Recorded;
    const turns = parseTranscript(rl_prompt) as Message[];
    return {
      prompt: turns.at(-1)?.content === '' ? turns.slice(0, -1) : turns,
      initial: initial_response[0].sample,
      rounds: cst.map((round) => ({
        principle: round.cst_key,
        critiqueRequest: round.cst_value.prompt[0],
        critique: round.critique.sample,
        revision: round.revision.sample,
      })),
    };
  });
}
