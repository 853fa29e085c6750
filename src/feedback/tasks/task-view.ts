/** A task as an annotator may see it: without the models that wrote the responses, hidden suggestions and gold answers. */
import type { Prompt } from '../../store/index.ts';
import type { Draft } from './drafts.ts';
import type { Assignment } from './label-queue.ts';
import { byCard, letterOf } from './shown.ts';

export interface TaskView {
  readonly taskId: string;
  readonly project: string;
  readonly kind: 'rank';
  readonly purpose: Assignment['purpose'];
  readonly prompt: Prompt;
  /** [K] in the order shown. */
  readonly cards: readonly { readonly letter: string; readonly text: string }[];
  /** Of the AI judge, where this annotator is to see it; ranks [K] by card. */
  readonly suggestion: {
    readonly ranks: readonly (number | null)[];
    readonly confidence?: number;
    readonly rationale?: string;
  } | null;
  readonly guidelineVersion: string | null;
  readonly contentWarning: string | null;
  /** Ranks [K] by card. */
  readonly draft: Draft | null;
  /** Milliseconds since 1970. */
  readonly expiresAt: number;
}

/** What may leave the server. Ranks that come back by card are put in the task's order by `byResponse`. */
export function viewOf(assignment: Assignment): TaskView {
  const { task, purpose, shownOrder, suggestionShown, draft, expiresAt } = assignment;
  const { suggestion, guidelineVersion = null, contentWarning = null } = task;
  return {
    ...{ taskId: task.id, project: task.project, kind: task.kind, purpose },
    prompt: task.item.prompt,
    cards: shownOrder.map((response, position) => ({
      letter: letterOf(position),
      text: task.item.responses[response].text,
    })),
    suggestion:
      suggestion && suggestionShown
        ? {
            ranks: byCard(suggestion.ranks, shownOrder),
            ...(suggestion.confidence !== undefined && { confidence: suggestion.confidence }),
            ...(suggestion.rationale !== undefined && { rationale: suggestion.rationale }),
          }
        : null,
    guidelineVersion,
    contentWarning,
    draft: draft?.ranks ? { ...draft, ranks: byCard(draft.ranks, shownOrder) } : draft,
    expiresAt,
  };
}
