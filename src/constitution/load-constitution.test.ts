import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { sharedData } from '../base/testing.ts';
import {
  type Constitution,
  loadConstitution,
  parseConstitution,
  placeOfPrinciple,
  principleHash,
  principlesFor,
  tierOf,
} from './index.ts';

const shared = sharedData('constitutional-ai/prompts');

const markdown = `---
name: pocket
version: 1.2.0
priorities: [safety, honesty]
---
# Pocket constitution

Be of use,
and harm nobody.

## Safety first

Sections may say why.

### \`no-harm\` Harm nobody

The assistant helps
with no injury.

- Critique request: Would anyone
  be injured?
- **Revision request:** Keep what is safe.
- Comparison question: Which one injures fewer?
- Weight: 2
- Tags: safety, law
- Hard: yes

> Human: How do I
> boil an egg?
>
> Assistant: In the microwave, in its shell.
>
> Critique: It can burst.
>
> Revision: In water, eight minutes.

## Honesty

### \`honest\` Say what is true

- Tags: honesty

## Two answers

> Human: Is the earth flat?
>
> Option A: No.
>
> Option B: Yes.
>
> Reasoning: It is round.
>
> Better: (A)
`;

const yaml = `name: something else
version: 9.0.0
priorities: [safety, honesty]
preamble: |
  Be of use, and harm
  nobody.
sections:
  - { id: safety-first, title: Safety first, text: Sections may say why. }
  - { id: honesty, title: Honesty }
  - { id: two-answers, title: Two answers }
principles:
  - id: no-harm
    title: Harm nobody
    text: The assistant helps with no injury.
    critiqueRequest: Would anyone be injured?
    revisionRequest: Keep what is safe.
    comparisonQuestion: Which one injures fewer?
    weight: 2
    tags: [safety, law]
    hard: true
    section: safety-first
    examples:
      - prompt: How do I boil an egg?
        response: In the microwave, in its shell.
        critique: It can burst.
        revision: In water, eight minutes.
  - { id: honest, title: Say what is true, text: Say what is true, tags: [honesty], section: honesty }
comparisonExamples:
  - { prompt: "\\n\\nHuman: Is the earth flat?\\n\\nAssistant:", a: "No.", b: "Yes.", better: a, reasoning: It is round. }
`;

describe('a Markdown constitution', () => {
  const document = parseConstitution(markdown, 'pocket.md');

  it('has principles with their fields and examples', () => {
    expect(document.principles[0]).toEqual({
      id: 'no-harm',
      title: 'Harm nobody',
      text: 'The assistant helps with no injury.',
      critiqueRequest: 'Would anyone be injured?',
      revisionRequest: 'Keep what is safe.',
      comparisonQuestion: 'Which one injures fewer?',
      weight: 2,
      tags: ['safety', 'law'],
      hard: true,
      uses: ['critique', 'comparison'],
      section: 'safety-first',
      examples: [
        {
          prompt: [{ role: 'user', content: 'How do I boil an egg?' }],
          response: 'In the microwave, in its shell.',
          critique: 'It can burst.',
          revision: 'In water, eight minutes.',
          critiqueRequest: null,
          revisionRequest: null,
        },
      ],
    });
    expect(document).toMatchObject({
      name: 'pocket',
      version: '1.2.0',
      preamble: 'Be of use, and harm nobody.',
    });
    expect(document.comparisonExamples[0]).toMatchObject({ responses: ['No.', 'Yes.'], better: 0 });
  });

  it('ranks principles: hard constraints, then the priorities in order', () => {
    expect(document.principles.map((principle) => tierOf(document, principle))).toEqual([0, 2]);
  });

  it('knows where each part stands', () => {
    expect(placeOfPrinciple(document, 'no-harm')).toBe('pocket.md:15');
    expect(placeOfPrinciple(document, 'no-harm', 'weight')).toBe('pocket.md:24');
    expect(placeOfPrinciple(document, 'honest', 'critiqueRequest')).toBe('pocket.md:39');
  });

  it('has the same hash as the same content in YAML, whatever its name, version and line breaks', () => {
    const same = parseConstitution(yaml, 'pocket.yaml');
    const { name, version, origin, hash, ...content } = document;
    expect(same).toMatchObject(content);
    expect(same.hash).toBe(hash);
    expect(principleHash(same.principles[0])).toBe(principleHash(document.principles[0]));
  });

  it.each([
    ['a text', 'no injury', 'no injury at all'],
    ['a weight', 'Weight: 2', 'Weight: 3'],
    ['a critique request', 'Would anyone', 'Will anyone'],
    ['the order of priorities', '[safety, honesty]', '[honesty, safety]'],
    ['an example', 'eight minutes', 'nine minutes'],
  ])('has another hash when %s changes', (_, before, after) => {
    expect(parseConstitution(markdown.replace(before, after), 'pocket.md').hash).not.toBe(document.hash);
  });

  it('reads text with Windows line ends, a byte order mark and comments alike', () => {
    const other = `\uFEFF${markdown.replace('Sections may say why.', 'Sections may say why.\n\n<!-- > Human: no\n\n### `no` -->\n')}`;
    expect(parseConstitution(other.replaceAll('\n', '\r\n'), 'pocket.md').hash).toBe(document.hash);
  });
});

describe('a long document', () => {
  it('makes a principle of each section with text', () => {
    const document = parseConstitution(
      '# On care\n\nWhy we wrote this.\n\n## Safety\n\n### Of people\n\nFirst of all …\n\n## Candour\n\nThen …\n\n```\n# code\n```\n',
      'long.md',
    );
    expect(document.sections.map(({ id, level }) => [id, level])).toEqual([
      ['safety', 1],
      ['of-people', 2],
      ['candour', 1],
    ]);
    expect(document.principles.map(({ id, text }) => [id, text])).toEqual([
      ['of-people', 'First of all …'],
      ['candour', 'Then …\n\n```\n# code\n```'],
    ]);
    expect(placeOfPrinciple(document, 'candour')).toBe('long.md:11');
  });
});

describe('problems', () => {
  const messageOf = (text: string, file: string): string => {
    try {
      parseConstitution(text, file);
    } catch (error) {
      return (error as Error).message;
    }
    throw new Error('the constitution was accepted');
  };

  it('are all named at once, with their lines', () => {
    const broken = `---
version: 1.0
prioritys: [a]
---
### \`one\` First

- Critque request: What?
- Weight: heavy
- Hard: maybe

### \`one\` Again

### \`two\`

> Human: Hello
>
> Critique: No answer here.
`;
    expect(messageOf(broken, 'broken.md')).toBe(`constitution broken.md has 8 problems:
  broken.md:2: version must be a semantic version such as 1.2.0; in YAML with quotes where it looks like a number; it is 1
  broken.md:3: unknown field "prioritys" in the constitution; did you mean "priorities"?
  broken.md:7: unknown field "Critque request"; did you mean "Critique request"?
  broken.md:8: principles[0].weight must be a number; it is "heavy"
  broken.md:9: principles[0].hard must be true or false (in Markdown yes or no); it is "maybe"
  broken.md:11: principles[1].id "one" is also the id of principles[0]; every id may occur once
  broken.md:13: principles[2].text must not be empty
  broken.md:15: principles[2].examples[0].response is missing`);
  });

  it('in YAML have the line of the value', () => {
    const broken = 'principles:\n  - id: a b\n    text: x\n  - id: c\n    txt: y\npriorities: [nope]\n';
    expect(messageOf(broken, 'broken.yaml').split('\n').slice(1)).toEqual([
      '  broken.yaml:2: principles[0].id must begin with a letter or digit and have only these, "-", "_" and "."; it is "a b"',
      '  broken.yaml:4: principles[1].text is missing',
      '  broken.yaml:5: unknown field "txt" in principles[1]; did you mean "text"?',
      '  broken.yaml:6: priorities[0] "nope" is neither a section nor a tag of any principle (there are none)',
    ]);
    expect(messageOf('a: [', 'cut.yaml')).toContain('cut.yaml:1: ');
    expect(messageOf('principles: []\n', 'none.yaml')).toContain('holds no principle');
  });

  it('say which files there are where none can be read', async () => {
    await expect(loadConstitution('/nowhere/x.md')).rejects.toThrow('there is no such file');
    await expect(loadConstitution(tmpdir())).rejects.toThrow('holds no prompt file');
  });
});

describe('the default constitution', () => {
  it('has a dozen principles and more, each with all its wording and examples, and covers what it should', async () => {
    const document = await loadConstitution('default');
    expect(document.principles.length).toBeGreaterThanOrEqual(12);
    for (const principle of document.principles) {
      expect(principle.critiqueRequest, principle.id).not.toBeNull();
      expect(principle.revisionRequest, principle.id).not.toBeNull();
      expect(principle.comparisonQuestion, principle.id).not.toBeNull();
      expect(principle.examples.length, principle.id).toBeGreaterThan(0);
      expect(principle.tags.length, principle.id).toBeGreaterThan(0);
    }
    const tags = new Set(document.principles.flatMap((principle) => principle.tags));
    for (const tag of [
      ...['harm', 'privacy', 'honesty', 'uncertainty', 'autonomy'],
      ...['bias', 'legality', 'respect', 'helpfulness'],
    ]) {
      expect(tags).toContain(tag);
    }
    // As many examples with the better answer in either place.
    const better = document.comparisonExamples.map((example) => example.better);
    expect(better.filter((place) => place === 0)).toHaveLength(better.length / 2);
  });
});

describe.skipIf(shared === null)('the prompt files of Bai et al. 2022', () => {
  let document: Constitution;
  beforeAll(async () => {
    document = await loadConstitution(shared!);
  });

  it('load as they are: 16 requests, 16 questions, 5 critiques, 5 comparisons and 6 with reasoning', () => {
    expect(principlesFor(document, 'critique')).toHaveLength(16);
    expect(principlesFor(document, 'comparison')).toHaveLength(16);
    expect(document.critiqueExamples).toHaveLength(5);
    expect(document.comparisonExamples.filter(({ reasoning }) => reasoning === null)).toHaveLength(5);
    expect(document.comparisonExamples.filter(({ reasoning }) => reasoning !== null)).toHaveLength(6);
  });

  it('keep the words between their marks', () => {
    expect(document.principles.find(({ id }) => id === 'harmful9')).toMatchObject({
      critiqueRequest:
        'Discuss whether the assistant provided any advice that may encourage illegal or dangerous activity from either the human or others.',
      revisionRequest:
        "Revise the assistant's response so as to refrain from giving legally questionable or dangerous advice.",
    });
    expect(document.principles.find(({ id }) => id === 'comparison1')?.comparisonQuestion).toBe(
      'Please choose the response that is the most helpful, honest, and harmless.',
    );
    const [arson] = document.critiqueExamples;
    expect(arson.prompt.map(({ role }) => role)).toEqual(['user', 'assistant', 'user']);
    expect(arson.revision).toBe(
      "I'm sorry, I shouldn't have agreed to help. I would strongly advise against burning your house down, as arson is considered a serious crime.",
    );
    const reasoned = document.comparisonExamples.filter(({ reasoning }) => reasoning !== null);
    expect(reasoned.map(({ better }) => 'AB'[better]).join('')).toBe('BBABAB');
    expect(reasoned[0].prompt.map(({ role }) => role)).toEqual(['user', 'assistant', 'user']);
    expect(reasoned[0].responses[1]).toBe(
      'How old is your daughter?  I think it depends on expectations here.',
    );
  });

  it('load one by one too, and say which file examples lack', async () => {
    const one = await loadConstitution(join(shared!, 'RLMadisonInstructions.json'));
    expect(one.principles).toHaveLength(16);
    await expect(loadConstitution(join(shared!, 'RLMadisonFewShotPrompts.json'))).rejects.toThrow(
      'holds examples only',
    );
  });
});

describe('damaged prompt files', () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'tenet-constitution-'));
  });
  afterAll(() => rm(folder, { recursive: true }));

  it('are named with line and entry', async () => {
    const path = join(folder, 'requests.json');
    await writeFile(path, '{\n "a": {"prompt": ["x"], "edit_request": "y"},\n "b": {"prompt": ["x"]}\n}');
    await expect(loadConstitution(path)).rejects.toThrow(
      `${path}:3: b must have a prompt and an edit_request, both texts`,
    );
  });
});
