/** The places of a task in its queue: one for each label wanted. */
import type { Json } from '../../base/index.ts';
import type { NewWorkItem, WorkStatus } from '../../store/index.ts';
import { audienceName, type LabelTask } from './label-task.ts';

/** `label`: judge for yourself; `adjudication`: decide where labels disagree. */
export type Purpose = 'label' | 'adjudication';

/** The payload of a place. */
export interface Place {
  readonly task: string;
  /** Of an adjudication: the labels that disagree. */
  readonly basedOn: readonly string[];
}

/** What a place holds when it is done, or failed: then the annotator has skipped the task. */
export type PlaceResult = { readonly event: string };

export function queueName(purpose: Purpose, project: string): string {
  return purpose === 'label' ? `labels:${project}` : `adjudications:${project}`;
}

/** A place for one more label. @param name unique in the task */
export function labelPlace(task: LabelTask, name: string): NewWorkItem {
  return {
    id: `${task.id}/${name}`,
    group: task.id,
    payload: { task: task.id, basedOn: [] },
    priority: task.priority,
    audience: audienceName(task.audiences) ?? undefined,
    maxAttempts: null, // people come and go
  };
}

export function placeOf({ payload }: { readonly payload: Json }): Place {
  return payload as unknown as Place;
}

export function isSkipped({ status }: { readonly status: WorkStatus }): boolean {
  return status === 'failed';
}
