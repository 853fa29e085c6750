/** Simulated people at the label queue: the sandbox's annotators do what real ones would do in the app. */
import { hashOf, Random, TenetError } from '../../base/index.ts';
import type { LabelQueue, LabelTask } from '../../feedback/index.ts';
import { type Annotator, judgingMs, rankResponses, sessionLength } from '../../sandbox/index.ts';
import type { Prompt } from '../../store/index.ts';

interface SandboxPeople {
  readonly panel: readonly Annotator[];
  readonly seed: number;
  readonly signal: AbortSignal;
}

/**
 * Labels and decides whatever is open. Who labels a task, and how, depends on seed and task alone, so that it comes out the
 * same however often it was interrupted.
 */
export async function labelInSandbox(queue: LabelQueue, people: SandboxPeople): Promise<void> {
  const [labels, decisions] = [await queue.open(), await queue.open('adjudication')];
  for await (const task of queue.read()) {
    if (people.signal.aborted) throw new TenetError('interrupted', 'Stopped while people were labelling.');
    const wanted = labels.has(task.id) ? task.overlap : 0;
    const order = annotatorsFor(task, people);
    for (const annotator of order.slice(0, wanted)) {
      await queue.submit(submissionOf(task, annotator, people.seed, 'label')).catch(ifLabelled);
    }
    // Somebody who has not labelled it, if there is anybody.
    const decider = order[task.overlap] ?? order[order.length - 1];
    if (decisions.has(task.id)) await queue.adjudicate(submissionOf(task, decider, people.seed, 'decision'));
  }
}

/** The panel in an order of the task's own. */
function annotatorsFor({ id }: LabelTask, { panel, seed }: SandboxPeople): Annotator[] {
  return randomOf(seed, 'who', id).shuffled(panel);
}

function submissionOf(task: LabelTask, annotator: Annotator, seed: number, what: 'label' | 'decision') {
  const { prompt, responses } = task.item;
  const question = questionOf(prompt);
  const texts = responses.map(({ text }) => text);
  const random = randomOf(seed, what, task.id, annotator.id);
  const itemIndex = random.int(sessionLength); // somewhere in a session: as tired as one is on average
  return {
    id: `${what}/${task.id}/${annotator.id}`,
    taskId: task.id,
    annotator: { id: annotator.id, kind: 'simulated' as const },
    ranks: rankResponses(question, texts, { ...annotator, random, itemIndex }),
    activeMs: judgingMs(question, texts),
  };
}

/** What the sandbox knows as the prompt: the only turn of the user. */
function questionOf(prompt: Prompt): string {
  return typeof prompt === 'string'
    ? prompt
    : (prompt.findLast(({ role }) => role === 'user')?.content ?? '');
}

function randomOf(seed: number, ...names: readonly string[]): Random {
  const hash = hashOf([seed, ...names].join('\n')).slice('sha256:'.length);
  return new Random(Number.parseInt(hash.slice(0, 8), 16));
}

/** For a task of which some of the labels were there before an interruption. */
function ifLabelled(error: unknown): void {
  if (!(TenetError.is(error) && error.details.eventId !== undefined)) throw error;
}
