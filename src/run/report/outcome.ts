/** The run's outcome in one sentence. */
import type { Manifest } from '../manifest.ts';
import type { EventRecord } from '../records.ts';
import { groupTitle } from './charts.ts';
import { between, columnFormat } from './format.ts';

/** The sentence stored in the manifest, or one made from the statuses and the reward curve. */
export function outcomeOf(manifest: Manifest, events: readonly EventRecord[]): string {
  const { stages, status } = manifest;
  if (manifest.outcome) return manifest.outcome;
  const last = (wanted: string) => stages.findLast((stage) => stage.status === wanted);
  const finished = stages.filter((stage) => stage.status === 'finished').length;
  const steps = (stage: string): number => events.findLast((event) => event.stage === stage)?.step ?? 0;
  if (status === 'finished') {
    const time = between(manifest.createdAt, manifest.finishedAt);
    const all = stages.length === 1 ? `Stage ${stages[0].name}` : `All ${stages.length} stages`;
    return `${all} finished${time && ` in ${time}`}${rewardChange(events)}.`;
  }
  if (status === 'failed') {
    const { name = '?', error = '' } = last('failed') ?? {};
    return `Failed in stage ${name} at step ${steps(name)}: ${error.split('\n')[0]}`;
  }
  if (status === 'interrupted') {
    const { name = '?' } = last('interrupted') ?? {};
    const step = steps(name);
    // By the user, or because the stage waits for people to label.
    return `Stopped in stage ${name}${step > 0 ? ` at step ${step}` : ''}; the run can be resumed.`;
  }
  const running = last('running');
  if (running)
    return `Not finished: stage ${running.name} was at step ${steps(running.name)} when this was written.`;
  return `Not finished: ${finished} of ${stages.length} stages are done.`;
}

/** `; in ppo, reward went from 0.1 to 0.8`: means over the first and last tenth of the steps. */
function rewardChange(events: readonly EventRecord[]): string {
  for (const event of events.toReversed()) {
    const metric = Object.keys(event.metrics).find((name) => groupTitle(name) === 'Reward');
    if (metric === undefined) continue;
    const values = events
      .filter(({ stage }) => stage === event.stage)
      .map(({ metrics }) => metrics[metric])
      .filter((value) => typeof value === 'number');
    const tenth = Math.ceil(values.length / 10);
    if (values.length < 2) return '';
    const mean = (some: number[]): number => some.reduce((a, b) => a + b, 0) / some.length;
    const [from, to] = [mean(values.slice(0, tenth)), mean(values.slice(-tenth))];
    const format = columnFormat([from, to]);
    return `; in ${event.stage}, ${metric} went from ${format(from)} to ${format(to)}`;
  }
  return '';
}
