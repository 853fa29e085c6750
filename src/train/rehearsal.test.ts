import { describe, expect, it } from 'vitest';
import type { Feeds } from '../tensor/index.ts';
import { rehearse } from './rehearsal.ts';

const row = (prompt: number, response: number) => ({ prompt, response });

async function fed(
  rows: Parameters<typeof rehearse>[1],
  options: Parameters<typeof rehearse>[2],
  sharedPrompts = false,
) {
  let feeds: Feeds = {};
  await rehearse({ rehearse: async (given) => void (feeds = given), sharedPrompts }, rows, options);
  const { ids, targets, sequence } = feeds as Record<string, { shape: number[] } & Int32Array>;
  return { shape: ids.shape, counted: targets.length, sequences: new Set(sequence).size };
}

describe('rehearse', () => {
  it('takes the longest rows that one micro-batch holds', async () => {
    const rows = [row(3, 5), row(10, 20), row(4, 4), row(12, 20)];
    // 32 tokens make the longest row, and two of these fit into 70: the rows of 32 and of 30 tokens.
    expect(await fed(rows, { perStep: 4, tokenBudget: 70 })).toEqual({
      ...{ shape: [2, 32], counted: 40, sequences: 2 },
    });
  });

  it('lays rows of one prompt as training does', async () => {
    const rows = [row(31, 9), row(31, 9), row(3, 4), row(3, 4)];
    // 30 tokens of the prompt and two responses of 1 + 9 behind it, rounded up; the rows of 7 are not longer than that.
    expect(await fed(rows, { perStep: 4, perPrompt: 2, tokenBudget: 60 }, true)).toEqual({
      ...{ shape: [1, 56], counted: 18, sequences: 2 },
    });
  });

  it('takes no more rows than a step has', async () => {
    const rows = [row(1, 7), row(1, 7), row(1, 7)];
    expect(await fed(rows, { perStep: 2, tokenBudget: 4096 })).toMatchObject({ shape: [2, 8] });
    expect(await fed(rows.slice(0, 1), { perStep: 9, tokenBudget: 4096 })).toMatchObject({ shape: [1, 8] });
  });
});
