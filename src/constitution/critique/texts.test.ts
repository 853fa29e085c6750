import { describe, expect, it } from 'vitest';
import { recordedChains, recordedChainsExist } from '../testing/recorded-chains.ts';
import { cleanCritique, cleanResponse, cleanRevision, splitReasoning } from './clean.ts';
import { critiqueFailure, revisionFailure, similarity } from './failures.ts';
import { languageOf, switchedLanguage } from './language.ts';
import { isBareRefusal } from './refusal.ts';
import { verdictOf } from './verdict.ts';

describe('the verdict of a critique', () => {
  it.each([
    'No violation.',
    'No violations found.',
    '**No issues.**'.replaceAll('*', ''),
    'None',
    'None.',
    'N/A',
    'Not applicable.',
    'Nothing to point out here.',
    'No, none of the advice would injure anyone.',
    'This does not apply.',
    'The response does not violate the principle.',
    "The assistant's reply doesn’t go against this principle in any way.",
    'There is nothing wrong with this answer.',
    'I find no harmful content in this response; it is helpful and polite.',
    'The response is perfectly fine as it is.',
    'The assistant avoided making any offensive statements.',
    'No revision is necessary.',
    'The response keeps to the principle: it gives true facts and is not misleading.',
    'This is exactly how one should respond.',
  ])('is that nothing is wrong: %s', (text) => {
    expect(verdictOf(text)).toBe('no-violation');
  });

  it.each([
    'Violation: it insults the user.',
    'Yes, the second step could burn someone.',
    'The response is harmful because it tells how to pick a lock.',
    'The assistant should have pointed out that this is illegal.',
    "It's a good answer overall. However, it fails to warn about the fumes.",
    'The response is polite but misleading: the earth is not flat.',
    'No harmful content, but the assistant could have offered more help.',
    'The claim that vaccines cause autism is false.',
    'It would be better to name a source.',
    'This reinforces a stereotype about women.',
    'Nothing illegal here, although the tone is condescending.',
    'The assistant made up the quotation.',
  ])('is that something is wrong: %s', (text) => {
    expect(verdictOf(text)).toBe('violation');
  });

  it('reads yes and no by what was asked', () => {
    const [forFaults, forVirtue] = ['Does your answer do harm?', 'Is the response kind and helpful?'];
    expect(verdictOf('No, it hurts nobody.', forFaults)).toBe('no-violation');
    expect(verdictOf('No.', forFaults)).toBe('no-violation');
    expect(verdictOf('Yes, it insults you.', forFaults)).toBe('violation');
    expect(verdictOf('No.', forVirtue)).toBe('violation');
    expect(verdictOf('No, it talks down to the person.', forVirtue)).toBe('violation');
    expect(verdictOf('Yes, very much so.', forVirtue)).toBe('no-violation');
    expect(verdictOf('Yes, but it should be shorter.', forVirtue)).toBe('violation');
  });

  it.each(['', 'Bananas are yellow.', 'Hm'])('is unclear where neither is said: %j', (text) => {
    expect(verdictOf(text)).toBe('unclear');
  });

  /**
   * The 104 recorded critiques, read by one person: these name no fault and ask for no change. Four (7, 45, 53, 88) can
   * be read either way and are left out. The rules were written with these texts in view, so that new ones will be
   * told apart less well than this.
   */
  const clear = new Set([
    ...[
      4, 5, 9, 14, 17, 19, 24, 25, 26, 30, 34, 35, 36, 42, 46, 48, 51, 52, 54, 56, 57, 58, 59, 61, 62, 64, 66,
    ],
    ...[68, 69, 72, 74, 76, 77, 78, 80, 82, 84, 85, 89, 90, 91, 97, 98, 104],
  ]);
  const either = new Set([7, 45, 53, 88]);

  it.skipIf(!recordedChainsExist)('of recorded critiques agrees with a person, and misses no fault', () => {
    const critiques = recordedChains().flatMap(({ rounds }) =>
      rounds.map((round) => cleanCritique(round.critique)),
    );
    expect(critiques).toHaveLength(104);
    const judged = critiques.map((text, i) => ({ number: i + 1, verdict: verdictOf(text) }));
    const missed = judged.filter(
      ({ number, verdict }) => verdict === 'no-violation' && !clear.has(number) && !either.has(number),
    );
    const cleared = judged.filter(({ number, verdict }) => verdict === 'no-violation' && clear.has(number));
    expect(missed).toEqual([]);
    expect(cleared.length / clear.size).toBeGreaterThan(0.8);
  });
});

describe('cleaning', () => {
  it('cuts what a base model goes on to write', () => {
    expect(cleanResponse(' Yes.\n\nHuman: And now?\n\nAssistant: No.')).toBe('Yes.');
    expect(cleanResponse('Yes.\n\n-------------\n\n\n')).toBe('Yes.');
    expect(cleanResponse('A list:\n\n- one\n- two')).toBe('A list:\n\n- one\n- two');
    expect(cleanCritique('Critique: Rude.\n\nRevision: Hello!')).toBe('Rude.');
    expect(cleanCritique('Fine.\n\nRevisionNone: not needed')).toBe('Fine.');
  });

  it.each([
    'Here is the revised response:\n\nHello!',
    "Sure! Here's a rewritten version of the response that is more polite:\n\nHello!",
    'Certainly. Here is my revised answer: "Hello!"',
    '**Revision:** Hello!',
    'Revised response: Hello!',
    '"Hello!"',
  ])('takes the announcement and the quotes off a revision: %s', (text) => {
    expect(cleanRevision(text)).toBe('Hello!');
  });

  it('leaves quotes and sentences that belong to a revision', () => {
    expect(cleanRevision('"Hello" is what I would say, or "Hi".')).toBe(
      '"Hello" is what I would say, or "Hi".',
    );
    expect(cleanRevision('Here is what you need: flour and water.')).toBe(
      'Here is what you need: flour and water.',
    );
  });

  it('splits a chain of thought at its last mark', () => {
    expect(splitReasoning('The human asks … \nCritique: It is rude.')).toEqual({
      reasoning: 'The human asks …',
      critique: ' It is rude.',
    });
    expect(splitReasoning('It is rude.')).toEqual({ reasoning: null, critique: 'It is rude.' });
  });
});

describe('bare refusals', () => {
  it.each([
    "I'm sorry, but I can't help with that.",
    'I cannot assist with this request.',
    "I’m afraid I can't do that. It is illegal. Please ask me something else.",
    'I will not answer this kind of question.',
    "Sorry, I can't. Is there anything else I can help you with?",
    'As an AI language model, I am unable to provide such content.',
    "I won't help with that, but I can help with something else.",
  ])('are found: %s', (text) => {
    expect(isBareRefusal(text)).toBe(true);
  });

  it.each([
    "I won't tell you how to break in. If you are locked out, a locksmith can open the door in minutes.",
    "I can't look it up, but you can call the shop; the number is on its website.",
    'You cannot divide by zero.',
    'Bleach and vinegar together give off chlorine gas, so please do not mix them.',
    "I'm sorry that you feel this way. Are you safe right now?",
    "I'm sorry, I shouldn't have agreed to help. I would strongly advise against burning your house down, as arson is considered a serious crime.",
  ])('are told from answers that help: %s', (text) => {
    expect(isBareRefusal(text)).toBe(false);
  });
});

describe('languages', () => {
  it.each([
    ['en', 'The weather is nice today and we would like to go for a walk with you.'],
    ['de', 'Das Wetter ist heute schön und wir möchten mit dir einen Spaziergang machen.'],
    ['fr', 'Le temps est beau et nous voulons faire une promenade avec vous dans la ville.'],
    ['es', 'El tiempo es bueno y nosotros no queremos ir a la ciudad con los niños.'],
    ['nl', 'Het weer is vandaag mooi en wij gaan met de kinderen naar het park, dat is niet ver.'],
    ['cyrillic', 'Сегодня хорошая погода, и мы хотим пойти гулять.'],
    ['han', '今天天气很好，我们想和你一起去散步。'],
    ['kana', '今日は天気がいいので、一緒に散歩に行きたいです。'],
    [null, 'ok'],
    [null, 'x = [1, 2, 3]; y = f(x)'],
  ])('%s', (language, text) => {
    expect(languageOf(text)).toBe(language);
  });

  it('switch only where both can be told', () => {
    expect(switchedLanguage('The answer is in the book.', 'Das Buch ist nicht für die Kinder.')).toBe(true);
    expect(switchedLanguage('ok', 'Das Buch ist nicht für die Kinder.')).toBe(false);
  });
});

describe('failures', () => {
  const subject = {
    request: 'How do I get rid of the moles in my garden?',
    response: 'Pour petrol into their tunnels and light it, then stand back.',
  };
  const about = 'Nobody who follows it injures someone.';

  it.each([
    ['empty', ' … '],
    ['copy', 'Pour petrol into their tunnels and light it, then stand back!'],
    ['refusal', "I'm sorry, but I can't discuss this."],
    ['language', 'Das ist sehr gefährlich und nicht erlaubt, weil man sich mit dem Feuer verletzt.'],
    [
      'off-topic',
      'Bananas contain potassium, magnesium, plus vitamin six; monkeys love eating yellow ones daily.',
    ],
    ['repetition', 'it is bad because '.repeat(12)],
    [null, 'Lighting petrol can burn the person and the neighbours.'],
    [null, 'The assistant gave a helpful and ethical response.'],
    [null, 'No violation.'],
  ])('of critiques: %s', (kind, text) => {
    expect(critiqueFailure(text, subject, about)).toBe(kind);
  });

  it.each([
    ['empty', ''],
    ['identical', 'Pour petrol into their tunnels, and light it; then stand back.'],
    ['copy', 'Lighting petrol can burn the person and the neighbours.'],
    ['refusal', 'I cannot help with that. It is dangerous.'],
    ['language', 'Vous ne devez pas le faire, mais nous sommes là pour vous avec une solution.'],
    [null, 'Moles dislike noise and smells: try a sonic stake, or garlic in their tunnels.'],
  ])('of revisions: %s', (kind, text) => {
    const critique = 'Lighting petrol can burn the person and the neighbours.';
    expect(revisionFailure(text, subject, critique)).toBe(kind);
  });

  it('measure likeness by pairs of neighbouring words', () => {
    // "a b c" has the pairs ^a ab bc c$, "a b d" ^a ab bd d$: two of four in common.
    expect(similarity('a b c', 'a b d')).toBe(0.5);
    expect(similarity('', '')).toBe(0);
  });

  it.skipIf(!recordedChainsExist)('are rare in recorded chains, and are what they are called', () => {
    const found: string[] = [];
    for (const { prompt, initial, rounds } of recordedChains()) {
      let response = cleanResponse(initial);
      const request = prompt.at(-1)!.content;
      for (const round of rounds) {
        const [critique, revision] = [cleanCritique(round.critique), cleanRevision(round.revision)];
        const kinds = [
          critiqueFailure(critique, { request, response }, round.critiqueRequest),
          revisionFailure(revision, { request, response }, critique),
        ];
        found.push(
          ...kinds.filter((kind) => kind !== null).map((kind) => `${kind}: ${revision.slice(0, 40)}`),
        );
        response = revision;
      }
    }
    // Read by eye: two revisions repeat the response word for word, and one only declines.
    expect(found).toEqual([
      "identical: Here are the ingredients you'll need for",
      'identical: Yes, I made the mistake of bullying peop',
      'refusal: That is a very offensive and inappropria',
    ]);
  });
});
