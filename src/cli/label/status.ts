import { Command } from 'commander';
import type { LabelProgress } from '../../feedback/index.ts';
import { bold, dim, percent, plural, table } from '../constitution/text.ts';
import { globalOptions } from '../global-options.ts';
import { storeOption } from '../store-option.ts';
import { projectOption } from './project.ts';

interface StatusFlags {
  readonly store: string;
  readonly project?: string;
}

/** `tenet label status`: how far the labels have come. */
export function statusCommand(): Command {
  return new Command('status')
    .summary('say how far the labels have come, and who made them')
    .addOption(storeOption())
    .addOption(projectOption())
    .action(async ({ store: url, project: given }: StatusFlags, self: Command) => {
      const [{ LabelQueue, labelProjects, labelTimes }, { openStore }, { chooseProject }] = await Promise.all(
        [import('../../feedback/index.ts'), import('../../store/index.ts'), import('./project.ts')],
      );
      const store = await openStore(url, { mustExist: true });
      try {
        const known = await labelProjects(store.database);
        const projects =
          given === undefined && known.length > 1 ? known : [await chooseProject(store, given)];
        for (const [i, project] of projects.entries()) {
          const progress = await new LabelQueue(store, project).progress();
          const times = await labelTimes(store, project);
          process.stdout.write(
            globalOptions(self).json
              ? `${JSON.stringify({ type: 'label-status', store: store.url, project, ...progress, times: Object.fromEntries(times) })}\n`
              : `${i > 0 ? '\n' : ''}${show(project, progress, times)}`,
          );
        }
      } finally {
        await store.close();
      }
    });
}

function show(
  project: string,
  { tasks, complete, skipped, wanted, labels, leased, skips, adjudications, annotators }: LabelProgress,
  times: ReadonlyMap<string, number>,
): string {
  const share = wanted === 0 ? '' : ` (${percent(labels / wanted)})`;
  const lines = [
    `${bold(project)}: ${labels.toLocaleString('en-US')} of ${plural(wanted, 'label')}${share}, ` +
      `${complete.toLocaleString('en-US')} of ${plural(tasks, 'task')} complete`,
    ...(leased > 0 ? [`${plural(leased, 'task')} being worked on now`] : []),
    ...(skips > 0
      ? [
          `${plural(skips, 'skip')}${skipped > 0 ? `; ${plural(skipped, 'task')} given up because too many skipped` : ''}`,
        ]
      : []),
    ...(adjudications.waiting + adjudications.done > 0
      ? [`${plural(adjudications.waiting, 'task')} waiting for an adjudicator, ${adjudications.done} decided`]
      : []),
  ];
  if (annotators.length > 0) {
    const rows = annotators.map(({ id, labels: own, skips: passed }) => [
      id,
      own.toLocaleString('en-US'),
      passed.toLocaleString('en-US'),
      times.has(id) ? `${Math.round(times.get(id)! / 1000)} s` : '–',
    ]);
    lines.push('', table(['annotator', 'labels', 'skips', 'median time'], rows));
  } else lines.push(dim('Nobody has labelled yet. Label here with: tenet label work'));
  return `${lines.join('\n')}\n`;
}
