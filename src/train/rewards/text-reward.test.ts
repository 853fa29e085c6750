import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { RewardItem } from '../reward-function.ts';
import { loadTextReward } from './load-text-reward.ts';
import { textReward } from './text-reward.ts';

function item(prompt: string, response: string): RewardItem {
  return { prompt: [1], response: [2, 3], promptText: prompt, responseText: response, ended: true };
}

describe('textReward', () => {
  it('calls synchronous and asynchronous functions alike, null for what does not apply', async () => {
    const reward = textReward(
      (prompt, response, { tokens, ended }) => {
        if (prompt === 'skip') return null;
        return prompt === 'later' ? Promise.resolve(5) : response.length + tokens + Number(ended);
      },
      { name: 'f' },
    );
    expect(await reward([item('a', 'xyz'), item('skip', ''), item('later', '')])).toEqual([6, null, 5]);
  });

  it('keeps no more calls under way than it is told', async () => {
    let [now, most] = [0, 0];
    const reward = textReward(
      async () => {
        most = Math.max(most, ++now);
        await new Promise((resolve) => setImmediate(resolve));
        now--;
        return 0;
      },
      { name: 'f', concurrency: 3 },
    );
    await reward(Array.from({ length: 12 }, () => item('a', 'b')));
    expect(most).toBe(3);
  });

  it('names function, prompt and response when a call throws, keeping the cause', async () => {
    const cause = new Error('no network');
    const reward = textReward(() => Promise.reject(cause), { name: '"polite" (polite.mjs)' });
    await expect(reward([item('Hello?', 'Hi.')])).rejects.toMatchObject({
      code: 'training',
      message: 'Reward function "polite" (polite.mjs) threw: no network. Prompt: "Hello?", response: "Hi.".',
      cause,
    });
  });

  it.each([undefined, Number.NaN, 'good', Number.POSITIVE_INFINITY])(
    'refuses %s as a reward',
    async (value) => {
      const reward = textReward(() => value as never, { name: 'f' });
      await expect(reward([item('a', 'b')])).rejects.toThrow(
        `returned ${value}; it must return a finite number, or null`,
      );
    },
  );

  it('ends the wait for a call that never comes back, tells it so, and begins no others', async () => {
    let aborted = false;
    let calls = 0;
    const reward = textReward(
      (_, __, { signal }) => {
        calls++;
        signal.addEventListener('abort', () => {
          aborted = true;
        });
        return new Promise<number>(() => {});
      },
      { name: 'f', timeoutMs: 5, concurrency: 1 },
    );
    await expect(reward([item('a', 'b'), item('c', 'd')])).rejects.toThrow('took longer than 5 ms');
    expect(aborted).toBe(true);
    expect(calls).toBe(1);
  });
});

describe('loadTextReward', () => {
  function moduleFile(name: string, content: string): string {
    const folder = mkdtempSync(join(tmpdir(), 'tenet-reward-'));
    onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
    writeFileSync(join(folder, name), content);
    return join(folder, name);
  }

  it('takes the default export, or the one named, also of CommonJS', async () => {
    const path = moduleFile('reward.mjs', 'export default () => 1; export const half = () => 0.5;');
    const facts = { tokens: 1, ended: true, signal: new AbortController().signal };
    expect((await loadTextReward(path))('', '', facts)).toBe(1);
    expect((await loadTextReward(path, 'half'))('', '', facts)).toBe(0.5);
    const common = moduleFile('reward.cjs', 'module.exports = { third: () => 3 };');
    expect((await loadTextReward(common, 'third'))('', '', facts)).toBe(3);
  });

  it('names the functions that there are, and what cannot be imported', async () => {
    const path = moduleFile('reward.mjs', 'export const half = () => 0.5; export const limit = 3;');
    await expect(loadTextReward(path)).rejects.toThrow(
      /has no function "default" \(export default …\); it exports: half\./,
    );
    await expect(loadTextReward(path, 'limit')).rejects.toThrow('has no function "limit"; it exports: half');
    await expect(loadTextReward(moduleFile('broken.mjs', 'export default ('))).rejects.toThrow(
      'cannot be imported',
    );
  });
});
