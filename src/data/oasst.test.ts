/** OpenAssistant message trees: the same tree as a tree, as rows of JSON Lines, and as Parquet. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { convertFile } from './convert-file.ts';
import type { TreeOptions } from './oasst-records.ts';
import { readRecords } from './read-records.ts';
import { writeRecords } from './write-records.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tenet-oasst-'));
});
afterEach(() => rm(folder, { recursive: true }));

type Message = Record<string, unknown> & { replies?: Message[] };

function message(role: string, text: string, fields: object = {}, replies: Message[] = []): Message {
  return {
    message_id: `id of ${text}`,
    text,
    role,
    lang: 'en',
    review_count: 3,
    review_result: true,
    deleted: false,
    rank: null,
    synthetic: false,
    labels: { quality: { value: 0.75, count: 3 }, toxicity: { value: 0, count: 3 } },
    ...fields,
    replies,
  };
}

// A question with three ranked answers, of which the second best leads on; and a branch for every filter.
const tree = {
  message_tree_id: 'id of q',
  tree_state: 'ready_for_export',
  prompt: message('prompter', 'q', {}, [
    message('assistant', 'second', { rank: 1 }, [
      message('prompter', 'and then?', {}, [
        message('assistant', 'b', { rank: 1, synthetic: true }),
        message('assistant', 'a', { rank: 0, labels: { quality: { value: 0.25, count: 2 } } }),
        message('assistant', 'spam', { rank: 2, review_result: false }),
      ]),
      message('prompter', 'nobody answered'),
    ]),
    message('assistant', 'best', { rank: 0 }),
    message('assistant', 'dritte', { rank: 2, lang: 'de', review_result: null }),
    message('assistant', 'gone', { rank: 3, deleted: true }),
  ]),
};
const growing = {
  message_tree_id: 'id of r',
  tree_state: 'growing',
  prompt: message('prompter', 'r', {}, [message('assistant', 's')]),
};

/** One message to a row, as in `….messages.jsonl`; labels as the Hub's tables have them. */
function flat({ message_tree_id, tree_state, prompt }: typeof tree): object[] {
  const rows: object[] = [];
  const add = ({ replies, labels, ...fields }: Message, parent_id: unknown) => {
    const entries = Object.entries(labels as Record<string, { value: number; count: number }>);
    rows.push({
      ...fields,
      parent_id,
      message_tree_id,
      tree_state,
      labels: {
        name: entries.map(([name]) => name),
        value: entries.map(([, label]) => label.value),
        count: entries.map(([, label]) => label.count),
      },
    });
    for (const reply of replies ?? []) add(reply, fields.message_id);
  };
  add(prompt, null);
  return rows;
}

async function recordsOf(path: string, trees?: TreeOptions): Promise<object[]> {
  return (await readRecords(path, { trees }).toArray()).map(({ record }) => record);
}

async function writeTree(rows: object[] = [tree, growing], name = 'rows.jsonl.gz'): Promise<string> {
  const path = join(folder, name);
  await writeRecords(path, rows);
  return path;
}

/** "q > best": the texts of each conversation. */
async function paths(trees?: TreeOptions): Promise<string[]> {
  const records = (await recordsOf(await writeTree(), trees)) as { messages: { content: string }[] }[];
  return records.map(({ messages }) => messages.map(({ content }) => content).join(' > '));
}

const a = 'q > second > and then? > a';
const b = 'q > second > and then? > b';

describe('OpenAssistant trees', () => {
  it('give each path to a last answer as a conversation, the best first', async () => {
    expect(await paths()).toEqual(['q > best', a, b, 'q > dritte']);
    const [first] = await recordsOf(await writeTree());
    expect(first).toEqual({
      messages: [
        { role: 'user', content: 'q' },
        { role: 'assistant', content: 'best' },
      ],
    });
  });

  it('give the ranked answers to each prompt as rankings, from 1', async () => {
    const turn = (role: string, content: string) => ({ role, content });
    expect(await recordsOf(await writeTree(), { as: 'rankings' })).toEqual([
      {
        prompt: [turn('user', 'q')],
        responses: ['best', 'second', 'dritte'].map((text) => [turn('assistant', text)]),
        ranks: [1, 2, 3],
      },
      {
        prompt: [turn('user', 'q'), turn('assistant', 'second'), turn('user', 'and then?')],
        responses: [[turn('assistant', 'a')], [turn('assistant', 'b')]],
        ranks: [1, 2],
      },
    ]);
  });

  it.each<[string, TreeOptions, string[]]>([
    ['language', { languages: ['de'] }, []], // the question is English
    ['language', { languages: ['en'] }, ['q > best', a, b]],
    [
      'least quality; where a answer falls, the path stops',
      { atLeast: { quality: 0.5 } },
      ['q > best', b, 'q > dritte'],
    ],
    ['a label that no message has', { atLeast: { humor: 0 } }, []],
    ['greatest toxicity; a is not labelled', { atMost: { toxicity: 0 } }, ['q > best', a, b, 'q > dritte']],
    ['reviewed messages', { review: 'accepted' }, ['q > best', a, b]],
    [
      'rejected ones too',
      { review: 'any' },
      ['q > best', a, b, 'q > second > and then? > spam', 'q > dritte'],
    ],
    ['people alone', { synthetic: false }, ['q > best', a, 'q > dritte']],
    ['best answers', { bestOnly: true }, ['q > best']],
    ['any state', { treeStates: [], languages: ['en'], review: 'accepted' }, ['q > best', a, b, 'r > s']],
  ])('are filtered by %s', async (_, options, expected) => {
    expect(await paths(options)).toEqual(expected);
  });

  it.each(['rows.jsonl', 'rows.parquet'])('are the same from one message to a row in %s', async (name) => {
    const path = await writeTree([...flat(tree).reverse(), ...flat(growing as typeof tree)], name);
    for (const as of ['conversations', 'rankings'] as const) {
      const trees = { as, treeStates: [] };
      const whole = await recordsOf(await writeTree(), trees);
      expect(await recordsOf(path, trees)).toEqual(whole);
    }
  });

  it('are converted to what the format needs', async () => {
    const output = join(folder, 'out.jsonl');
    // 3 pairs of the three answers to q, and 1 of a and b
    expect(await convertFile(await writeTree(), output, { to: 'preference' })).toMatchObject({
      from: 'ranking',
      recordsWritten: 4,
    });
    expect(await convertFile(await writeTree(), output, { to: 'language-modeling' })).toMatchObject({
      from: 'language-modeling',
      recordsWritten: 4,
    });
  });

  it('are known also behind rows that cannot be parsed', async () => {
    const path = join(folder, 'damaged.jsonl');
    await writeFile(path, `{"message_tree_id\n\n${JSON.stringify(tree)}\n`);
    const rows = readRecords(path, { trees: { as: 'rankings' }, onBadRow: 'collect' });
    expect(await rows.toArray()).toHaveLength(2);
    expect(rows.summary.problems.kept.map(({ line }) => line)).toEqual([1]);
  });

  it('name the rows that belong nowhere', async () => {
    const rows = flat(tree);
    const apart = [
      rows[0],
      { message_tree_id: 'id of q', message_id: 'x', parent_id: 'none', role: 'system', text: '' },
      rows[2],
    ];
    await expect(recordsOf(await writeTree(apart, 'rows.jsonl'))).rejects.toThrow(
      /rows\.jsonl:2: message x has the role "system".*\n.*rows\.jsonl:3: answers message id of second, which is not among/,
    );
  });
});
