import { describe, expect, it } from 'vitest';
import { rulesFor } from './policy.ts';
import { parsePolicy, toPolicy } from './read-policy.ts';

describe('rules for a request', () => {
  const policy = parsePolicy(
    [
      'defaults:',
      '  thresholds: { output: 0.7, principles: { weapons: 0.2 } }',
      '  failure: open',
      'rules:',
      '  - name: trial',
      '    match: { model: "gpt-*" }',
      '    mode: shadow',
      '    thresholds: { input: 0.3 }',
      '  - name: chat',
      '    match: { route: /v1/chat/*, model: "*" }',
      '    holdBack: all',
    ].join('\n'),
    'policy.yaml',
  );

  it('are those of the first rule that matches, over the defaults', () => {
    expect(rulesFor(policy, { route: '/v1/chat/completions', model: 'gpt-5' })).toMatchObject({
      name: 'trial',
      mode: 'shadow',
      failure: 'open',
      holdBack: 0,
      thresholds: { input: 0.3, output: 0.7, principles: { weapons: 0.2 } },
    });
    expect(rulesFor(policy, { route: '/v1/chat/completions', model: 'tiny.gpt' })).toMatchObject({
      name: 'chat',
      mode: 'enforce',
      holdBack: Number.POSITIVE_INFINITY,
    });
    expect(rulesFor(policy, { route: '/v1/completions', model: 'tiny' }).name).toBe('default');
  });

  it('keep the principles of the defaults that they leave out', () => {
    const strict = toPolicy({
      defaults: { thresholds: { input: 0.4, principles: { weapons: 0.2, fraud: 0.3 } } },
      rules: [
        {
          name: 'kids',
          match: { model: 'kids' },
          thresholds: { input: undefined, principles: { sexual: 0.1, fraud: 0.1 } },
        },
      ],
    });
    expect(rulesFor(strict, { model: 'kids' }).thresholds).toEqual({
      input: 0.4,
      output: 0.5,
      principles: { weapons: 0.2, fraud: 0.1, sexual: 0.1 },
    });
  });

  it('take thresholds from the guard where the policy names none', () => {
    expect(rulesFor(policy, {}, { input: 0.11, output: 0.22 }).thresholds).toMatchObject({
      input: 0.11,
      output: 0.7,
    });
    expect(rulesFor(toPolicy(), {}).thresholds).toEqual({ input: 0.5, output: 0.5, principles: {} });
  });

  it('close on failure unless told otherwise', () => {
    expect(rulesFor(toPolicy(), {})).toMatchObject({
      failure: 'closed',
      mode: 'enforce',
      otherContent: 'refuse',
    });
  });
});

describe('a policy file with mistakes', () => {
  it.each([
    [
      'defaults:\n  treshold: 1',
      'p.yaml:2: unknown field "treshold" in defaults; did you mean "thresholds"?',
    ],
    [
      'defaults:\n  mode: block',
      'p.yaml:2: defaults.mode must be "enforce" or "shadow" or "off"; it is "block"',
    ],
    [
      'defaults:\n  thresholds:\n    input: 50',
      'p.yaml:3: defaults.thresholds.input must be at most 1; it is 50',
    ],
    [
      'defaults: { holdBack: some }',
      'defaults.holdBack must be a whole number from 0, or "all"; it is "some"',
    ],
    ['rules:\n  - name: a\n    mode: off', 'p.yaml:2: rules[0].match is missing'],
    ['rules:\n  - name: a\n    match: {}', 'p.yaml:3: rules[0].match must name a route or a model; it is {}'],
    ['rules:\n  - name: A b\n    match: { model: x }', 'p.yaml:2: rules[0].name must be lower-case letters'],
    ['cascade:\n  - safe: 0.2', 'p.yaml:2: cascade[0] must name a guard or a judge, and not both'],
    [
      'cascade:\n  - guard: keywords\n    every: 3',
      'cascade[0] has a constitution or every, which are a judge’s',
    ],
    ['audit: {}', 'p.yaml:1: audit.file is missing'],
    ['passThrough: [embeddings]', 'passThrough[0] must begin with "/"; it is "embeddings"'],
    ['a: [', 'p.yaml:1'],
    [
      'rules:\n  - {name: a, match: {model: x}}\n  - {name: a, match: {model: y}}',
      'p.yaml:3: rules[1].name: "a" is the name of rules[0] already',
    ],
  ])('%j is refused with the line', (text, message) => {
    expect(() => parsePolicy(text, 'p.yaml')).toThrow(message);
  });

  it('is told all of them at once', () => {
    const text = 'defaults:\n  mode: on\n  failure: maybe\nlimits: { requests: 0 }';
    expect(() => parsePolicy(text, 'p.yaml')).toThrow(/p\.yaml:2.*\n.*p\.yaml:3.*\n.*p\.yaml:4/);
  });
});
