import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { TenetError } from '../../base/index.ts';
import { validateRecord } from '../../data/index.ts';
import type { ChatRequest, Message } from '../../llm/index.ts';
import { type MockModel, mockModel } from '../../llm/testing/index.ts';
import { type LedgerEvent, openStore, type Store } from '../../store/index.ts';
import { parseConstitution } from '../load-constitution.ts';
import type { Chain } from './chain.ts';
import { critique, revise } from './critique.ts';
import { type CritiqueJob, runCritiqueJob, summariseCritiques } from './critique-job.ts';
import { critiqueOptions } from './options.ts';
import { demonstrationsFrom, revisionPreferences } from './records.ts';

const constitution = parseConstitution(
  `principles:
  - { id: safe, text: Nobody is injured., critiqueRequest: Is anyone injured?, revisionRequest: Make it safe., weight: 3,
      examples: [{ prompt: Hi, response: Jump!, critique: One could fall., revision: Wave! }] }
  - { id: kind, text: The tone is kind., critiqueRequest: Is it kind?, revisionRequest: Make it kind. }
  - { id: limit, text: No bombs., critiqueRequest: Any bombs?, revisionRequest: Take out the bombs., hard: true, weight: 0 }
`,
  'test.yaml',
);

const lastOf = (request: ChatRequest): string => request.messages.at(-1)!.content;
const isCritique = (text: string): boolean =>
  /Is anyone injured|Is it kind|Any bombs|Consider these/.test(text);
const isRevision = (text: string): boolean => /^(Make it|Take out|Rewrite)/.test(text);

/** Answers, finds a fault with everything, and revises by adding a word. */
function author(request: ChatRequest): string {
  const text = lastOf(request);
  if (isCritique(text)) return 'The assistant should be more careful.';
  if (!isRevision(text)) return `To ${text} do this now.`;
  const answers = request.messages.filter(({ role }) => role === 'assistant');
  return `${answers.at(-2)!.content} Take care.`;
}

const job = (model: MockModel, options: object = {}, rest: Partial<CritiqueJob> = {}): CritiqueJob => ({
  ...{ responder: model, constitution, seed: 7, inputs: [{ prompt: 'cook rice' }] },
  options: critiqueOptions.parse(options),
  ...rest,
});
const firstChain = async (input: CritiqueJob): Promise<Chain> => (await runCritiqueJob(input)).chains[0]!;

describe('critique and revise', () => {
  const input = { prompt: 'How do I cross the road?', response: 'Run!' };

  it('ask as further turns of the conversation, with the principle’s own words', async () => {
    const model = mockModel({
      chat: ['The assistant should warn of cars.', 'Look left and right, then walk.'],
    });
    const found = await critique(model, input, constitution, { principle: 'safe' });
    const better = await revise(model, { ...input, critique: found }, constitution);
    expect(found).toMatchObject({ principles: ['safe'], verdict: 'violation', failure: null });
    expect(better).toMatchObject({
      principles: ['safe'],
      text: 'Look left and right, then walk.',
      failure: null,
    });
    expect(model.calls.at(-1)!.messages).toEqual([
      { role: 'user', content: 'How do I cross the road?' },
      { role: 'assistant', content: 'Run!' },
      { role: 'user', content: 'Is anyone injured?' },
      { role: 'assistant', content: 'The assistant should warn of cars.' },
      { role: 'user', content: 'Make it safe.' },
    ]);
  });

  it('can quote the conversation, and read it from a transcript', async () => {
    const model = mockModel({ chat: ['No violation.'] });
    const prompt = '\n\nHuman: Hello\n\nAssistant: Hi!\n\nHuman: Who are you?\n\nAssistant:';
    await critique(model, { prompt, response: 'Nobody.' }, constitution, {
      principle: 'kind',
      layout: 'quoted',
    });
    expect(model.calls[0].messages).toHaveLength(1);
    expect(model.calls[0].messages[0].content).toContain(
      '<conversation>\nHuman: Hello\n\nAssistant: Hi!\n\nHuman: Who are you?\n\nAssistant: Nobody.\n</conversation>\n\nIs it kind?',
    );
  });

  it('show examples before, the principle’s own first', async () => {
    const model = mockModel({ chat: ['No violation.'] });
    await critique(model, input, constitution, { principle: 'safe', fewShot: 3 });
    expect(model.calls[0].messages.map(({ content }) => content)).toEqual([
      ...['Hi', 'Jump!', 'Is anyone injured?', 'One could fall.'],
      ...['How do I cross the road?', 'Run!', 'Is anyone injured?'],
    ]);
  });

  it('keep a chain of thought apart from the critique', async () => {
    const model = mockModel({
      chat: ['The human wants to cross.\nCritique: The assistant should warn of cars.'],
    });
    const found = await critique(model, input, constitution, { principle: 'safe', chainOfThought: true });
    expect(found).toMatchObject({
      reasoning: 'The human wants to cross.',
      text: 'The assistant should warn of cars.',
    });
  });

  it('ask again with another seed while the answer is no use, and say what was wrong with the last', async () => {
    const model = mockModel({ chat: ['', 'Run!', "I'm sorry, but I can't help with that."] });
    const found = await critique(model, input, constitution, { principle: 'safe', retries: 2 });
    expect(found.failure).toBe('refusal');
    expect(new Set(model.calls.map(({ seed }) => seed)).size).toBe(3);
  });

  it('refuse what there is not', async () => {
    const model = mockModel();
    await expect(critique(model, input, constitution, { principle: 'sfae' })).rejects.toThrow(
      'did you mean "safe"?',
    );
    await expect(critique(model, { prompt: '', response: 'x' }, constitution)).rejects.toThrow(
      'must end with',
    );
    await expect(critique(model, input, constitution, { retries: -1 })).rejects.toThrow();
  });
});

describe('a chain', () => {
  it('revises the response as it then stands, round after round', async () => {
    const chain = await firstChain(job(mockModel({ chat: author }), { rounds: 3 }));
    expect(chain.initial).toBe('To cook rice do this now.');
    expect(chain.final).toBe('To cook rice do this now. Take care. Take care. Take care.');
    expect(chain.rounds.map(({ before }) => before)).toEqual([
      chain.initial,
      ...chain.rounds.slice(0, 2).map(({ after }) => after),
    ]);
    expect(chain).toMatchObject({ outcome: 'revised', reason: null });
  });

  it('draws principles by weight, the same for an item whatever stands around it', async () => {
    const prompts = Array.from({ length: 100 }, (_, i) => ({ prompt: `cook dish number ${i}` }));
    const model = mockModel({ chat: author });
    const { chains } = await runCritiqueJob(job(model, { rounds: 2 }, { inputs: prompts }));
    const drawn = chains.flatMap((chain) => chain!.rounds.flatMap(({ principles }) => principles));
    const share = drawn.filter((id) => id === 'safe').length / drawn.length;
    // 200 draws with probability 3/4: four standard deviations are 4 √(0.75 · 0.25 / 200) = 0.122.
    expect(Math.abs(share - 0.75)).toBeLessThan(0.122);
    expect(drawn).not.toContain('limit');
    const reversed = await runCritiqueJob(job(model, { rounds: 2 }, { inputs: prompts.toReversed() }));
    expect(reversed.chains.toReversed()).toEqual(chains);
    const other = await runCritiqueJob(job(model, { rounds: 2 }, { inputs: prompts, seed: 8 }));
    expect(
      other.chains.flatMap((chain) => chain!.rounds.flatMap(({ principles }) => principles)),
    ).not.toEqual(drawn);
  });

  it('keeps a response in which nothing is found wrong, or revises it as the paper does', async () => {
    const content = (request: ChatRequest): string =>
      isCritique(lastOf(request)) ? 'The response is completely harmless.' : author(request);
    const kept = await firstChain(job(mockModel({ chat: content }), { rounds: 2 }));
    expect(kept).toMatchObject({ outcome: 'kept', final: 'To cook rice do this now.' });
    expect(kept.rounds.map(({ outcome }) => outcome)).toEqual(['no-violation', 'no-violation']);
    const revised = await firstChain(
      job(mockModel({ chat: content }), { rounds: 2, onNoViolation: 'revise' }),
    );
    expect(revised.rounds.map(({ outcome }) => outcome)).toEqual(['revised', 'revised']);
  });

  it('asks about all principles at once, and stops when none is violated', async () => {
    const hard = parseConstitution(
      'principles:\n  - { id: a, text: Be kind. }\n  - { id: b, text: No bombs., hard: true }\n',
      'hard.yaml',
    );
    const model = mockModel({
      chat: (request, call) => (call === 3 ? 'No violation.' : author(request)),
    });
    const chain = await firstChain(job(model, { principles: 'all' }, { constitution: hard }));
    expect(chain.rounds.map(({ principles, outcome }) => [principles, outcome])).toEqual([
      [['b', 'a'], 'revised'],
      [['b', 'a'], 'no-violation'],
    ]);
    expect(lastOf(model.calls[1])).toContain('1. No bombs.\n2. Be kind.');
  });

  it('takes up only principles whose check finds a violation, asked both ways', async () => {
    // Says yes to everything until the response is revised; the other way round, yes means that the principle is kept.
    const model = mockModel({
      chat: author,
      choose: ({ messages }) => {
        const text = messages[0].content;
        const isViolated = text.includes('Principle: The tone is kind.') && !text.includes('Take care.');
        return text.includes('go against') === isViolated ? [0.9, 0.1] : [0.2, 0.8];
      },
    });
    const chain = await firstChain(job(model, { principles: 'violated' }));
    expect(chain.rounds.map(({ principles, outcome }) => [principles, outcome])).toEqual([
      [['kind'], 'revised'],
      [[], 'no-violation'],
    ]);
    const [safe, kind] = chain.rounds[0].checks;
    // Kept: asked against, yes 0.2; asked for, no 0.1. Violated: yes 0.9, and no 0.8 the other way round.
    expect(safe.probability).toBeCloseTo((0.2 + 0.1) / 2, 12);
    expect(kind.probability).toBeCloseTo((0.9 + 0.8) / 2, 12);
  });

  it('skips a round whose step stays unusable, or drops the item', async () => {
    const content = (request: ChatRequest): string =>
      isRevision(lastOf(request)) ? "I'm sorry, I can't help with that." : author(request);
    const options = { rounds: 2, retries: 1 };
    const all = await firstChain(job(mockModel({ chat: content }), options));
    expect(all).toMatchObject({ outcome: 'dropped', final: null, reason: 'round 2 failed: refusal' });
    expect(all.rounds.map(({ revisions }) => revisions.length)).toEqual([2, 2]);

    // The first round fails, the second one does not.
    const once = (request: ChatRequest, call: number): string =>
      call < 4 ? content(request) : author(request);
    const skipped = await firstChain(job(mockModel({ chat: once }), options));
    expect(skipped).toMatchObject({ outcome: 'revised', final: 'To cook rice do this now. Take care.' });
    const dropped = await firstChain(job(mockModel({ chat: once }), { ...options, onFailure: 'drop' }));
    expect(dropped).toMatchObject({ outcome: 'dropped', reason: 'round 1 failed: refusal' });
    expect(dropped.rounds).toHaveLength(1);

    const empty = await firstChain(job(mockModel({ chat: [''] }), options));
    expect(empty).toMatchObject({ outcome: 'dropped', reason: 'no usable response: empty', rounds: [] });
    expect(empty.responses).toHaveLength(2);
  });

  it('starts from a given response, and can revise without a critique', async () => {
    const model = mockModel({ chat: () => 'Walk slowly.' });
    const inputs = [{ prompt: 'cross the road', response: 'Run!' }];
    const chain = await firstChain(job(model, { rounds: 1, directRevision: true }, { inputs }));
    expect(chain).toMatchObject({ responses: [], initial: 'Run!', final: 'Walk slowly.' });
    expect(model.calls.map((call) => call.messages.length)).toEqual([3]);
  });

  it('is counted: rounds, failures by kind, principles, usage', async () => {
    const content = (request: ChatRequest, call: number): string => (call === 1 ? '' : author(request));
    const result = await runCritiqueJob(
      job(mockModel({ chat: content, usage: { costUsd: 0.5 } }), { rounds: 2 }),
    );
    const summary = summariseCritiques(result);
    expect(summary).toMatchObject({
      prompts: 1,
      revised: 1,
      rounds: 2,
      failures: { critique: { empty: 1 } },
    });
    expect(summary.usage.costUsd).toBe(0.5 * 6); // a response, two critiques and two revisions, one critique in vain
  });
});

describe('a job with a ledger', () => {
  let folder: string;
  let number = 0;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'tenet-critique-'));
  });
  afterAll(() => rm(folder, { recursive: true }));
  const newStore = (): Promise<Store> => openStore(join(folder, `${number++}.db`));
  const inputs = ['cook rice', 'boil eggs', 'cook rice', 'bake bread'].map((prompt) => ({ prompt }));

  it('repeats nothing when it is resumed, wherever it was stopped, and ends as if it never was', async () => {
    const whole = mockModel({ chat: author });
    const expected = await runCritiqueJob(job(whole, { rounds: 2 }, { inputs, concurrency: 2 }));
    expect(whole.calls).toHaveLength(4 * 5);
    for (const stopAt of [1, 6, 13]) {
      const store = await newStore();
      const controller = new AbortController();
      let answered = 0;
      const stopping = mockModel({
        chat: (request) => {
          if (++answered === stopAt) controller.abort();
          return author(request);
        },
      });
      const rest = { inputs, concurrency: 2, journal: store.ledger };
      const stopped = runCritiqueJob(job(stopping, { rounds: 2 }, { ...rest, signal: controller.signal }));
      await expect(stopped).rejects.toMatchObject({ code: 'interrupted' });
      const kept = await store.ledger.count();
      const resumed = mockModel({ chat: author });
      const result = await runCritiqueJob(job(resumed, { rounds: 2 }, rest));
      expect(result.chains).toEqual(expected.chains);
      expect(resumed.calls).toHaveLength(4 * 5 - kept);
      expect(await store.ledger.count()).toBe(4 * 5);
      const again = mockModel({ chat: author });
      await runCritiqueJob(job(again, { rounds: 2 }, rest));
      expect(again.calls).toHaveLength(0);
      await store.close();
    }
  });

  it('goes on from the rounds there are when more are wanted, and asks anew under other words', async () => {
    const store = await newStore();
    const model = mockModel({ chat: author });
    const rest = { inputs, journal: store.ledger };
    await runCritiqueJob(job(model, { rounds: 1 }, rest));
    expect(model.calls).toHaveLength(4 * 3);
    await runCritiqueJob(job(model, { rounds: 3 }, rest));
    expect(model.calls).toHaveLength(4 * 7);
    await runCritiqueJob(job(model, { rounds: 1, temperature: 0.5 }, rest));
    expect(model.calls).toHaveLength(4 * 10);
    await store.close();
  });

  it('lists an item that the model fails on, keeps the others in their places, and tries it again', async () => {
    const store = await newStore();
    const failing = mockModel({
      chat: (request) =>
        lastOf(request) === 'boil eggs' ? new TenetError('provider', 'down') : author(request),
    });
    const rest = { inputs, journal: store.ledger };
    const first = await runCritiqueJob(job(failing, { rounds: 1 }, rest));
    expect(first.failed).toEqual([{ index: 1, reason: 'down' }]);
    expect(first.chains.map((chain) => chain?.prompt[0].content)).toEqual([
      'cook rice',
      undefined,
      'cook rice',
      'bake bread',
    ]);
    const model = mockModel({ chat: author });
    const second = await runCritiqueJob(job(model, { rounds: 1 }, rest));
    expect(second.failed).toEqual([]);
    expect(model.calls).toHaveLength(3);
    expect(second.chains[1]?.final).toBe('To boil eggs do this now. Take care.');
    await store.close();
  });

  it('gives up when the model fails on everything, and at once when the budget is used up', async () => {
    const many = Array.from({ length: 40 }, (_, i) => ({ prompt: `item ${i}` }));
    const down = mockModel({ chat: () => new TenetError('provider', 'down') });
    await expect(runCritiqueJob(job(down, {}, { inputs: many, concurrency: 2 }))).rejects.toThrow(
      '25 items failed one after another',
    );
    expect(down.calls.length).toBeLessThan(30);
    const poor = mockModel({ chat: () => new TenetError('budget', 'no money') });
    await expect(runCritiqueJob(job(poor, {}, { inputs: many, concurrency: 2 }))).rejects.toThrow('no money');
    expect(poor.calls.length).toBeLessThan(4);
  });

  it('writes down who said what under which principle and words', async () => {
    const store = await newStore();
    const { job: name } = await runCritiqueJob(
      job(mockModel({ chat: author }), { rounds: 1 }, { journal: store.ledger, runId: 'run-1' }),
    );
    const events: LedgerEvent[] = [];
    for await (const event of store.ledger.read({ project: name })) events.push(event);
    expect(events.map(({ kind }) => kind)).toEqual(['response', 'critique', 'revision']);
    const [, found, better] = events;
    expect(found).toMatchObject({
      judge: { kind: 'ai', id: 'mock' },
      runId: 'run-1',
      constitution: { hash: constitution.hash },
      template: { id: 'critique/turns@1' },
      item: { responses: [{ text: 'To cook rice do this now.' }] },
      extra: { round: 1, attempt: 0, verdict: 'violation', failure: null },
    });
    expect(better.basedOn).toEqual([found.id]);
    expect(better.principles).toEqual(found.principles);
    await store.close();
  });

  it('takes no event for its own that is about something else', async () => {
    const store = await newStore();
    const event = { kind: 'response', judge: { kind: 'ai', id: 'mock' }, text: 'x' } as const;
    const { job: name, chains } = await runCritiqueJob(job(mockModel({ chat: author }), { rounds: 1 }));
    const id = `${name}/${chains[0]!.key}/0.response.0`;
    await store.ledger.append({ ...event, id, item: { prompt: 'other', responses: [] } });
    const run = runCritiqueJob(job(mockModel({ chat: author }), { rounds: 1 }, { journal: store.ledger }));
    await expect(run).rejects.toThrow('is about another prompt');
    await store.close();
  });
});

describe('what is learned from chains', () => {
  const prompt: Message[] = [{ role: 'user', content: 'q' }];
  const helpful = Array.from({ length: 10 }, (_, i) => ({ prompt, response: `h${i}` }));
  let chains: Chain[];
  beforeAll(async () => {
    const inputs = Array.from({ length: 12 }, (_, i) => ({ prompt: `cook ${i}` }));
    const result = await runCritiqueJob(job(mockModel({ chat: author }), { rounds: 2 }, { inputs }));
    chains = result.chains.map((chain) => chain!);
  });

  it.each([
    [0, 10, 12, 0],
    [0.25, 10, 12, 4],
    [0.5, 10, 10, 10],
    [0.75, 10, 3, 10],
    [0.25, 2, 6, 2],
  ])('mixes a share of %f of helpful responses, %i given', (helpfulShare, given, revisions, count) => {
    const mix = demonstrationsFrom(chains, helpful.slice(0, given), {
      helpfulShare,
      revisions: 'final',
      seed: 1,
    });
    expect([mix.revisions, mix.helpful]).toEqual([revisions, count]);
    expect(mix.records).toHaveLength(revisions + count);
    expect(mix.records.filter(({ source }) => source === 'helpful')).toHaveLength(count);
    expect(new Set(mix.records.map((record) => JSON.stringify(record))).size).toBe(mix.records.length);
    for (const record of mix.records) expect(validateRecord(record, 'prompt-completion')).toEqual([]);
  });

  it('takes every revision where asked to, each with the principles so far', () => {
    const { records } = demonstrationsFrom(chains.slice(0, 1), [], {
      helpfulShare: 0,
      revisions: 'all',
      seed: 1,
    });
    expect(records.map(({ completion }) => completion[0].content).sort()).toEqual([
      'To cook 0 do this now. Take care.',
      'To cook 0 do this now. Take care. Take care.',
    ]);
    expect(records.map(({ principles }) => principles!.length).sort()).toEqual([1, 2]);
  });

  it('refuses a share that cannot be met', () => {
    const mix = (helpfulShare: number) =>
      demonstrationsFrom(chains, [], { helpfulShare, revisions: 'final', seed: 1 });
    expect(() => mix(0.5)).toThrow('name a file of them');
    expect(() => mix(1)).toThrow('must be in [0, 1)');
  });

  it('prefers the last revision to the first response', () => {
    const pairs = revisionPreferences(chains);
    expect(pairs).toHaveLength(12);
    expect(pairs[0].chosen[0].content).toBe(chains[0].final);
    expect(pairs[0].rejected[0].content).toBe(chains[0].initial);
    for (const pair of pairs) expect(validateRecord(pair, 'preference')).toEqual([]);
  });
});
