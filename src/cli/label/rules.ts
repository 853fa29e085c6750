import { Command } from 'commander';
import type { NewProjectRules, ProjectRules, QualificationRule } from '../../feedback/index.ts';
import type { Store } from '../../store/index.ts';
import { bold, dim, percent, plural } from '../constitution/text.ts';
import { collect, count, notNegative, unit, wholeNumber } from '../flag-values.ts';
import { globalOptions } from '../global-options.ts';
import { storeOption } from '../store-option.ts';
import { chooseProject, projectOption, usualProject } from './project.ts';

interface RulesFlags {
  readonly store: string;
  readonly project?: string;
  readonly pass?: number;
  readonly questions?: number;
  readonly retakes?: number;
  readonly retakeAfter?: number;
  readonly exempt?: string[];
  readonly qualification: boolean;
  readonly mostLabels?: number;
  readonly agreement?: number;
  readonly adjudicate?: boolean;
  readonly furtherLabels: boolean;
}

/** `tenet label rules`: who may label in a project, and when more labels are asked for. */
export function rulesCommand(): Command {
  return new Command('rules')
    .summary('show or change who may label, and when more labels are asked for')
    .description(
      'Without options it shows the rules of a project.\n\n' +
        'Qualification: annotators answer questions with known answers (tenet label create --qualification) before they get any ' +
        'task, and get tasks when they were right often enough.\n\n' +
        'Further labels: where the labels of a task disagree, one more is asked for at a time, until they agree or there are ' +
        '--most-labels; then an adjudicator decides.',
    )
    .addOption(storeOption())
    .addOption(projectOption())
    .optionsGroup('Qualification:')
    .option('--pass <share>', 'share of pairs right from which on it is passed (default: 0.8)', unit)
    .option('--questions <n>', 'questions of an attempt, drawn for each annotator (default: all)', count)
    .option('--retakes <n>', 'attempts after the first (default: 1)', wholeNumber)
    .option('--retake-after <hours>', 'hours from a failed attempt to the next (default: 24)', notNegative)
    .option('--exempt <id>', 'an annotator who needs no test; may be repeated', collect)
    .option('--no-qualification', 'no test')
    .optionsGroup('Further labels:')
    .option('--most-labels <n>', 'labels of a task at most, where they disagree', count)
    .option(
      '--agreement <share>',
      'labels disagree where two say the same of fewer pairs of responses (default: 0.75)',
      unit,
    )
    .option('--adjudicate', 'an adjudicator decides where the last label has not settled it (default)')
    .option('--no-adjudicate', 'nobody decides: all labels count')
    .option('--no-further-labels', 'as many labels as tasks say')
    .action(run);
}

async function run(flags: RulesFlags, self: Command): Promise<void> {
  const [{ LabelQueue, readRules, writeRules }, { openStore }, { TenetError }] = await Promise.all([
    import('../../feedback/index.ts'),
    import('../../store/index.ts'),
    import('../../base/index.ts'),
  ]);
  const store = await openStore(flags.store, { mustExist: true });
  try {
    const project = await projectOf(store, flags.project);
    const before = await readRules(store.database, project);
    const questions = await new LabelQueue(store, project).qualification.size();
    const wanted = changed(before, flags);
    if (wanted.qualification && questions === 0) {
      throw new TenetError(
        'usage',
        `project ${project} has no questions to test annotators with. Make some first: ` +
          'tenet label create gold.jsonl --ranks gold --qualification',
      );
    }
    const rules =
      JSON.stringify(wanted) === JSON.stringify(before)
        ? before
        : await writeRules(store.database, project, wanted);
    process.stdout.write(
      globalOptions(self).json
        ? `${JSON.stringify({ type: 'label-rules', store: store.url, project, questions, ...rules })}\n`
        : show(project, rules, questions),
    );
  } finally {
    await store.close();
  }
}

/** The project meant: one with tasks, or one that has nothing but a test so far. */
async function projectOf(store: Store, given: string | undefined): Promise<string> {
  const { LabelQueue, labelProjects } = await import('../../feedback/index.ts');
  const hasTasks = (await labelProjects(store.database)).length > 0;
  const name = given ?? (hasTasks ? undefined : usualProject);
  const hasTest = name !== undefined && (await new LabelQueue(store, name).qualification.size()) > 0;
  return hasTest ? name : chooseProject(store, given);
}

/** The rules with what the flags say. */
function changed(before: ProjectRules, flags: RulesFlags): NewProjectRules {
  const { pass, questions, retakes, retakeAfter, exempt, mostLabels, agreement, adjudicate } = flags;
  const test = {
    ...(pass !== undefined && { pass }),
    ...(questions !== undefined && { questions }),
    ...(retakes !== undefined && { retakes }),
    ...(retakeAfter !== undefined && { retakeAfterMs: retakeAfter * 3600_000 }),
    ...(exempt && { exempt }),
  };
  const further = {
    ...(mostLabels !== undefined && { most: mostLabels }),
    ...(agreement !== undefined && { agreement }),
    ...(adjudicate !== undefined && { adjudicate }),
  };
  const merge = <Rule extends object>(rule: Rule | null, change: object, wanted: boolean) =>
    !wanted ? null : Object.keys(change).length === 0 ? rule : { ...rule, ...change };
  return {
    qualification: merge(before.qualification, test, flags.qualification),
    furtherLabels: merge(before.furtherLabels, further, flags.furtherLabels),
  };
}

function show(project: string, { qualification, furtherLabels }: ProjectRules, questions: number): string {
  const lines = [
    bold(project),
    qualification === null ? 'No qualification test.' : testInWords(qualification, questions),
    furtherLabels === null
      ? 'Tasks get as many labels as they were made with.'
      : `Where labels agree on less than ${percent(furtherLabels.agreement)} of the pairs, further ones are asked for, up to ` +
        `${furtherLabels.most}; then ${furtherLabels.adjudicate ? 'an adjudicator decides' : 'all count'}.`,
  ];
  if (qualification !== null) lines.push(dim('Who stands where: tenet label quality'));
  return `${lines.join('\n')}\n`;
}

function testInWords(
  { pass, questions, retakes, retakeAfterMs, exempt }: QualificationRule,
  all: number,
): string {
  const asked = Math.min(questions ?? all, all);
  const again =
    retakes === 0
      ? 'once'
      : `up to ${retakes + 1} times, ${(retakeAfterMs / 3600_000).toLocaleString('en-US')} hours apart`;
  return (
    `Annotators first answer ${plural(asked, 'question')}${asked < all ? ` of ${all}` : ''}, and pass with ${percent(pass)} of the ` +
    `pairs right; ${again}.${exempt.length > 0 ? ` Not: ${exempt.join(', ')}.` : ''}`
  );
}
