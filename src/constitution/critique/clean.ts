/** Frees what a model wrote from what it wrote around it. */

/** Texts at which a step of a critique chain ends; models without a chat template go on with the next turn. */
export const STEP_STOPS: readonly string[] = ['\n\nHuman:', '\n\nCritiqueRequest:', '\n\nRevisionRequest:'];

const nextTurn =
  /\n+\s*(Human|Assistant|User|CritiqueRequest|RevisionRequest|Critique ?Request|Revision ?Request) ?:/;
const rule = /(\n\s*[-_*=]{3,}\s*)+$/;

/** A response as the model meant it: without further turns, rules and white space around it. */
export function cleanResponse(text: string): string {
  const [first] = text.trimStart().split(nextTurn);
  return first
    .replace(/^(Assistant|Response) ?:\s*/, '')
    .trimEnd()
    .replace(rule, '')
    .trim();
}

/** A critique without its label and without a revision that follows it. */
export function cleanCritique(text: string): string {
  const [critique] = cleanResponse(text).split(
    /\n+\s*\**(Revision|Revised (response|version|answer))\**( ?:|None)/i,
  );
  return critique.replace(/^\**Critique\**:?\**:?\s*/i, '').trim();
}

const announcement =
  /^(sure|certainly|of course|okay|ok|absolutely)?[,!.]?\s*(here('s| is)( (a|an|the|my|one))?|this is( (a|the))?|below is( (a|the))?|i('ve| have) (revised|rewritten))\b[^\n:]{0,100}(revis\w+|rewrit\w+|rewritten|version|response|answer|improve\w*)[^\n:]{0,60}:\s*/i;

/** A revision without its label, the sentence that announces it, and quotation marks around the whole. */
export function cleanRevision(text: string): string {
  const revision = cleanResponse(text)
    .replace(/^\**(Revision|Revised (response|version|answer))\**:?\**:?\s*/i, '')
    .replace(announcement, '')
    .trim();
  const inner = /^["“]([^"“”]*)["”]$/s.exec(revision)?.[1];
  return (inner ?? revision).trim();
}

/** Splits a chain of thought from the critique that it ends in; without the mark all is critique. */
export function splitReasoning(text: string): {
  readonly reasoning: string | null;
  readonly critique: string;
} {
  const marks = [...text.matchAll(/(^|\n)\s*\**Critique\**\s*:\**/gi)];
  const mark = marks.at(-1);
  if (!mark || mark.index === 0) return { reasoning: null, critique: text };
  return { reasoning: text.slice(0, mark.index).trim(), critique: text.slice(mark.index + mark[0].length) };
}
