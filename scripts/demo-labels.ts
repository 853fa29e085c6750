/**
 * A label project as it stands after some days, for pictures and for trying things out: prompts and responses of the
 * sandbox, judged by its simulated annotators under the accounts of people.
 */
import { Random } from '../src/base/index.ts';
import { byResponse, LabelQueue, writeGuideline } from '../src/feedback/index.ts';
import {
  everyPrompt,
  judgingMs,
  rankResponses,
  sampleResponses,
  typicalPanel,
} from '../src/sandbox/index.ts';
import type { Accounts } from '../src/server/accounts/accounts.ts';
import type { Store } from '../src/store/index.ts';

export const demoPassword = 'correct horse battery';
export const demoProject = 'helpfulness';

const dayMs = 24 * 3600_000;
const tasks = 160;
const responsesEach = 3;
const overlap = 2;
const labels = 290;

/** People by first name; each labels as one of the sandbox's panel does, the last one without reading. */
const people = ['Bea', 'Carlos', 'Dilek', 'Emil', 'Fatou'] as const;

const guideline = `# How to judge

Put the answer first that you would rather have been given.

1. **Right** before friendly. What is wrong is last, however well it reads.
2. **Short** before long, where both say the same.
3. A refusal is right where help would do harm, and wrong where it would not.

Two answers that are equally good are a tie.
`;

/** @returns the ids of the people by name */
export async function makeDemoLabels(store: Store, accounts: Accounts): Promise<ReadonlyMap<string, string>> {
  const random = new Random(20);
  const ids = new Map<string, string>();
  for (const [i, name] of people.entries()) {
    const { token } = await accounts.invite({ role: 'annotator', group: i < 2 ? 'experts' : 'crowd' });
    const email = `${name.toLowerCase()}@example.org`;
    const cookies = await accounts.accept(token, { name, email, password: demoPassword });
    const cookie = cookies.getSetCookie()[0].split(';')[0];
    ids.set(name, (await accounts.callerOf(new Headers({ cookie })))!.id);
  }
  await writeGuideline(store.database, demoProject, { version: '2', text: guideline });

  const queue = new LabelQueue(store, demoProject);
  const prompts = random.shuffled([...everyPrompt('train')]).slice(0, tasks);
  await queue.add(
    prompts.map((prompt, i) => {
      const responses = sampleResponses(prompt, responsesEach, { random });
      const gold = rankResponses(prompt.text, responses, { ...typicalPanel[0], noise: 0, random });
      return {
        item: {
          prompt: prompt.text,
          responses: responses.map((text, n) => ({ text, model: n === 0 ? 'base' : 'aligned' })),
        },
        ...{ overlap, guidelineVersion: '2', extra: { category: prompt.kind } },
        ...(i % 12 === 0 && { gold: { ranks: gold } }),
      };
    }),
  );

  const begin = Date.now() - 9 * dayMs;
  const judged = new Map<string, number>();
  for (let n = 0; n < labels; n++) {
    const who = n % people.length;
    const id = ids.get(people[who])!;
    const group = who < 2 ? 'experts' : 'crowd';
    const [assignment] = await queue.claim({ id, group });
    if (!assignment) continue;
    const { prompt, responses } = assignment.task.item;
    const texts = responses.map(({ text }) => text);
    const itemIndex = judged.get(id) ?? 0;
    judged.set(id, itemIndex + 1);
    const isLazy = who === people.length - 1;
    const ranks = isLazy
      ? byResponse([1, 2, 3], assignment.shownOrder)
      : rankResponses(String(prompt), texts, { ...typicalPanel[who], random, itemIndex });
    const activeMs = isLazy
      ? 900 + random.int(900)
      : judgingMs(String(prompt), texts) * (0.7 + random.uniform());
    await queue.submit({
      ...{ id: `demo-${n}-${id}`, taskId: assignment.task.id, annotator: { id, group }, ranks },
      ...{ activeMs: Math.round(activeMs), idleMs: random.int(4000) },
      judgedAt: Math.round(begin + (n / labels) * 8.5 * dayMs),
    });
  }
  await makeJudgeLabels(store, queue, random);
  return ids;
}

/** An AI judge that has labelled the same responses, such as `tenet compare` leaves behind. */
async function makeJudgeLabels(store: Store, queue: LabelQueue, random: Random): Promise<void> {
  for await (const { item } of queue.read()) {
    const texts = item.responses.map(({ text }) => text);
    const ranks = rankResponses(String(item.prompt), texts, { ...typicalPanel[1], noise: 0.2, random });
    await store.ledger.append({
      ...{ kind: 'label', project: 'judge', item, ranks },
      judge: { kind: 'ai', id: 'local:judge@3f9a12c07b44' },
      usage: { costUsd: 0 },
    });
  }
}
