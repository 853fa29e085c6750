import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { resolveModelSpec } from './resolve-model-spec.ts';

it('finds folders, with and without their prefix, and leaves other names alone', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'tenet-spec-'));
  const model = join(folder, 'model');
  await mkdir(model);
  await writeFile(join(model, 'config.json'), '{}');
  expect(await resolveModelSpec(`local:${model}`)).toBe(`local:${model}`);
  expect(await resolveModelSpec(model)).toBe(`local:${model}`);
  expect(await resolveModelSpec('openai:gpt-4.1')).toBe('openai:gpt-4.1');
  await expect(resolveModelSpec(`local:${folder}`)).rejects.toThrow(
    /neither a run folder .* nor a model folder/,
  );
  await expect(resolveModelSpec('local:nowhere')).rejects.toThrow(/nowhere does not exist/);
  await expect(resolveModelSpec('gpt-4.1')).rejects.toThrow(/gpt-4.1 does not exist.*openai:<model>/);
  await rm(folder, { recursive: true });
});
