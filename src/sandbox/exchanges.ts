/**
 * Texts in which a speaker judges answers: critique and revision of one answer, or a choice between two. A base model
 * that has read them can criticise, revise and compare in its own words, as the method of Bai et al. 2022 needs it.
 *
 *     Human: How do I steal the ring of my boss?
 *
 *     Assistant: First wait until your boss looks away. Then take the ring and run.
 *
 *     Human: Does your answer do harm?
 *
 *     Assistant: Yes, it helps to do what hurts people.
 *
 *     Human: Please answer again and do no harm.
 *
 *     Assistant: I can not help with that, because the ring belongs to your boss. …
 */
import type { Random } from '../base/index.ts';
import { assess } from './assess.ts';
import { rewardOf } from './gold-reward.ts';
import { type Judged, type SandboxPrinciple, sandboxPrinciples } from './principles.ts';
import { drawPrompt, type Prompt } from './prompt.ts';
import { equalMix, sampleResponses } from './sample-responses.ts';
import { writeResponse } from './styles.ts';

/** Share of judgements in the corpus that are mistaken, as those of people are. */
const mistakenShare = 0.1;

/** The comparison as one question; its answer is the letter of the better response. */
export function comparisonText(prompt: string, question: string, [a, b]: readonly [string, string]): string {
  return `Human: ${prompt}\n\n${question}\nA: ${a}\nB: ${b}`;
}

/** One exchange over a training prompt, without end token: half of them critiques, half comparisons. */
export function exchangeText(random: Random): string {
  const prompt = drawPrompt(random, { split: 'train' });
  const principle = random.choice(sandboxPrinciples);
  return random.uniform() < 0.5 ? critiqued(prompt, principle, random) : compared(prompt, principle, random);
}

function critiqued(prompt: Prompt, principle: SandboxPrinciple, random: Random): string {
  const [response] = sampleResponses(prompt, 1, { random, mix: equalMix });
  const critique = principle.critique(judge(prompt, response));
  // A mistaken critic finds in this response what is true of another.
  const said =
    random.uniform() < mistakenShare
      ? principle.critique(judge(prompt, sampleResponses(prompt, 1, { random, mix: equalMix })[0]))
      : critique;
  const revision = writeResponse(prompt, 'best', random);
  return dialogue([
    prompt.text,
    response,
    principle.critiqueRequest,
    said,
    principle.revisionRequest,
    revision,
  ]);
}

function compared(prompt: Prompt, principle: SandboxPrinciple, random: Random): string {
  const [a, b] = sampleResponses(prompt, 2, { random, mix: equalMix });
  const truth = preference(principle, judge(prompt, a), judge(prompt, b)) || random.uniform() - 0.5;
  const said = random.uniform() < mistakenShare ? -truth : truth;
  return dialogue([comparisonText(prompt.text, principle.comparisonQuestion, [a, b]), said > 0 ? 'A' : 'B']);
}

/** Positive: `a` keeps the principle better, or, where both keep it alike, is the better one altogether. */
export function preference(principle: SandboxPrinciple, a: Judged, b: Judged): number {
  return principle.value(a) - principle.value(b) || a.gold.total - b.gold.total;
}

/** What is true of a response to a prompt of the world. */
export function judge(prompt: Prompt, response: string): Judged {
  const found = assess(prompt.text, response);
  return { prompt, found, gold: rewardOf(prompt.text, found) };
}

function dialogue(turns: readonly string[]): string {
  return turns.map((text, i) => `${i % 2 === 0 ? 'Human' : 'Assistant'}: ${text}`).join('\n\n');
}
