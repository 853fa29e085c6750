import { describe, expect, it } from 'vitest';
import { TenetError } from '../../base/index.ts';
import { mockModel } from '../testing/index.ts';
import { votingModel } from './voting.ts';

const question = { messages: [{ role: 'user' as const, content: 'A or B?' }], options: ['A', 'B'] };

describe('votingModel', () => {
  it('counts the options that sampled answers name, each with its own seed', async () => {
    const mock = mockModel({
      exactChoices: false,
      chat: (_, call) => ['A', '(B)', '{"answer": "A"}', 'Neither.', 'The answer is A'][call],
      usage: { costUsd: 0.5, inputTokens: 2, outputTokens: 1, latencyMs: 3 },
    });
    const choice = await votingModel(mock).choose({ ...question, seed: 7 });
    expect(choice).toEqual({
      probabilities: [0.75, 0.25],
      method: 'votes',
      mass: 0.8,
      usage: { costUsd: 2.5, inputTokens: 10, outputTokens: 5, latencyMs: 3, cached: false },
    });
    expect(new Set(mock.calls.map(({ seed }) => seed)).size).toBe(5);
    expect(mock.calls[0]).toMatchObject({
      json: { schema: { properties: { answer: { enum: ['A', 'B'] } } } },
    });
  });

  it('asks once at temperature 0, and as many times as asked otherwise', async () => {
    const mock = mockModel({ exactChoices: false, chat: ['B'] });
    expect(await votingModel(mock).choose({ ...question, temperature: 0 })).toMatchObject({
      probabilities: [0, 1],
    });
    await votingModel(mock).choose({ ...question, votes: 3 });
    expect(mock.calls).toHaveLength(4);
  });

  it('does not ask for JSON where the answer has begun', async () => {
    const mock = mockModel({ exactChoices: false, chat: ['B'] });
    const messages = [...question.messages, { role: 'assistant' as const, content: 'It is (' }];
    await votingModel(mock).choose({ ...question, messages, votes: 1 });
    expect(mock.calls[0]).not.toHaveProperty('json');
  });

  it('knows nothing where no answer names an option', async () => {
    const mock = mockModel({ exactChoices: false, chat: ['I cannot say.'] });
    expect(await votingModel(mock).choose(question)).toMatchObject({ probabilities: [0.5, 0.5], mass: 0 });
  });

  it('takes log-probabilities where they are, votes where they do not tell, and no other failure for that', async () => {
    const silent = new TenetError('provider', 'no log-probs', { details: { needsVotes: true } });
    const mock = mockModel({
      choose: [[1, 0], silent, new TenetError('provider', 'down'), { mass: 0.01 }],
      chat: ['B'],
      usage: { costUsd: 1, latencyMs: 2 },
    });
    const model = votingModel(mock);
    expect(await model.choose(question)).toMatchObject({ method: 'log-probs', probabilities: [1, 0] });
    expect(await model.choose(question)).toMatchObject({ method: 'votes', probabilities: [0, 1] });
    await expect(model.choose(question)).rejects.toThrow('down');
    const unclear = await model.choose(question);
    expect(unclear).toMatchObject({ method: 'votes', probabilities: [0, 1], mass: 1 });
    expect(unclear.usage).toMatchObject({ costUsd: 6, latencyMs: 4 }); // one call for log-probabilities, five for votes
  });
});
