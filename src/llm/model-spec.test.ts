import { describe, expect, it } from 'vitest';
import { parseModelSpec } from './model-spec.ts';

describe('parseModelSpec', () => {
  it.each([
    ['local:runs/a/stages/02-sft/model', { kind: 'local', folder: 'runs/a/stages/02-sft/model' }],
    ['local:C:\\models\\a', { kind: 'local', folder: 'C:\\models\\a' }],
    ['openai:gpt-4.1-mini', { kind: 'openai', model: 'gpt-4.1-mini' }],
    ['openai:ft:gpt-4o:org:name:id', { kind: 'openai', model: 'ft:gpt-4o:org:name:id' }],
    ['anthropic:claude-sonnet-4-5', { kind: 'anthropic', model: 'claude-sonnet-4-5' }],
    [
      'openai-compatible:org/model@rev@http://127.0.0.1:8000/v1/',
      { kind: 'openai-compatible', model: 'org/model@rev', baseUrl: 'http://127.0.0.1:8000/v1' },
    ],
  ])('reads %s', (spec, expected) => {
    expect(parseModelSpec(spec)).toEqual(expected);
  });

  it.each([
    ['opneai:gpt-4o', /did you mean openai:\?/],
    ['gpt-4o', /The forms are local:<folder>, openai:<model>/],
    ['', /The forms are/],
    ['constructor:x', /The forms are/],
    ['local:', /nothing follows "local:"; write local:<folder>/],
    ['src', /for the model in this folder write local:src/],
    ['openai-compatible:my-model', /needs a model and an address: openai-compatible:<model>@<base URL>/],
    ['openai-compatible:@http://host/v1', /needs a model and an address/],
    ['openai-compatible:m@http://', /"http:\/\/" is not an address/],
    ['http://host/v1', /openai-compatible:<model>@http:\/\/host\/v1/],
  ])('says what is wrong with %j', (spec, message) => {
    expect(() => parseModelSpec(spec)).toThrow(message);
    expect(() => parseModelSpec(spec)).toThrow(expect.objectContaining({ code: 'usage' }));
  });

  it('does not repeat a password in an address', () => {
    const read = (): unknown => parseModelSpec('openai-compatible:m@https://me:hunter2@host/v1');
    expect(read).toThrow(/must not hold a password/);
    expect(read).not.toThrow(/hunter2/);
  });
});
