import { basename, dirname, join, resolve } from 'node:path';
import { Command, InvalidArgumentError, Option } from 'commander';
import { TenetError } from '../../base/error.ts';
import type { ReadOptions, RecordFormat, Style, TargetFormat, TreeOptions } from '../../data/index.ts';
import { wholeNumber } from '../flag-values.ts';
import { curveCommand } from './data-curve.ts';

/** `tenet data check | convert | split | curve`: look at training data, and bring it into shape. */
export function dataCommand(): Command {
  return new Command('data')
    .summary('check, convert and split data files; say how much more feedback is needed')
    .description(
      'Works on JSON Lines, JSON, CSV, TSV and plain text files, each also packed with gzip, and on Parquet, in the ' +
        'formats of TRL, ' +
        'HH-RLHF, Alpaca, ShareGPT and LLaMA-Factory, and on K-way rankings. Files are streamed: their size does ' +
        'not matter.',
    )
    .addCommand(checkCommand())
    .addCommand(convertCommand())
    .addCommand(splitCommand())
    .addCommand(curveCommand());
}

function checkCommand(): Command {
  return withReadOptions(new Command('check'))
    .summary('say what is in a data file and what is wrong with it')
    .description(
      'Prints the format, the number of rows, lengths, repetitions, empty and identical responses, and every ' +
        'problem with line and field. Exits with 2 when rows do not fit the format.',
    )
    .argument('<file>', 'data file, or hub:datasets/owner/name/file')
    .option('--tokenizer <folder>', 'model folder; measures lengths in its tokens (default: words)')
    .option('--max-length <n>', 'count what is longer than this, prompt and response together', wholeNumber)
    .option('--against <file>', 'report prompts that are also in this file, such as the test set, or nearly')
    .option(
      '--similarity <s>',
      'similarity from which two prompts are nearly the same, in (0, 1]',
      fraction,
      0.8,
    )
    .option('--chat', 'put plain prompts and responses through the chat template when measuring')
    .option('--problems <n>', 'print at most so many problems of a kind (default: all)', wholeNumber)
    .action(async (file: string, options: CheckFlags, command: Command) => {
      const { checkFile, formatReport } = await import('../../data/index.ts');
      const { loadTokenizer } = await import('../../text/index.ts');
      const { maxLength, against, similarity, format, fields } = options;
      const { localFile } = await import('../hub-input.ts');
      const report = await checkFile(await localFile(file), {
        format,
        fields,
        maxLength,
        against,
        similarity,
        wrapInChat: options.chat,
        tokenizer: options.tokenizer ? await loadTokenizer(options.tokenizer) : undefined,
      });
      print(command, { type: 'data-check', ...report }, formatReport(report, { problems: options.problems }));
      if (report.badRows > 0) process.exitCode = 2;
    });
}

function convertCommand(): Command {
  const command = withBadRowOptions(withReadOptions(new Command('convert')))
    .summary('write a data file in another format')
    .description(
      'Rankings become all their pairs; OpenAssistant trees become conversations or rankings, as the format asks; HH transcripts become prompts and responses; comparisons become prompts, ' +
        'best responses or judged responses. The output is written whole or not at all.',
    )
    .argument('<input>', 'data file, or hub:datasets/owner/name/file')
    .argument('<output>', 'file to write: .jsonl, .json or .csv, each also with .gz, or .parquet')
    .addOption(
      new Option('--to <format>', 'format to write')
        .choices([
          'language-modeling',
          'prompt-only',
          'prompt-completion',
          'preference',
          'implicit-preference',
          'unpaired-preference',
          'ranking',
          'hh-transcript',
        ] satisfies TargetFormat[])
        .makeOptionMandatory(),
    )
    .addOption(
      new Option(
        '--style <style>',
        'lists of messages (conversational), texts (standard), or as they are (keep)',
      )
        .choices(['keep', 'conversational', 'standard'] satisfies Style[])
        .default('keep'),
    )
    .action(async (input: string, output: string, options: ConvertFlags, command: Command) => {
      const { convertFile } = await import('../../data/index.ts');
      const { localFile } = await import('../hub-input.ts');
      const bad = badRows(input, dirname(output), options);
      const report = await convertFile(await localFile(input), output, {
        ...{ ...options, ...bad },
        trees: treeOptions(options),
      });
      const left = [
        ...Object.entries(report.dropped).map(([reason, count]) => `${count} left out: ${reason}`),
        ...skipped(report.badRows, bad),
      ];
      print(
        command,
        { type: 'data-convert', output, ...report },
        [
          `${output}: ${report.recordsWritten} ${report.to} records from ${report.rowsRead} ${report.from ?? ''} rows`,
          ...left,
        ].join('\n  '),
      );
    });
  return withTreeOptions(command);
}

function splitCommand(): Command {
  return withBadRowOptions(withReadOptions(new Command('split')))
    .summary('split a data file into parts that share no prompt')
    .description(
      'Writes <name>.jsonl (or .jsonl.gz, .parquet) for each part into the output folder. Rows with the same first user turn or prompt stay ' +
        'together. The part of a row depends on its prompt and the seed alone, so sizes are near the fractions.',
    )
    .argument('<file>', 'data file')
    .requiredOption('-o, --output <folder>', 'folder for the parts')
    .option('--fractions <list>', 'names and shares of the parts, which sum to 1', 'train=0.9,test=0.1')
    .option('--seed <n>', 'another seed gives another split', wholeNumber, 0)
    .addOption(
      new Option('--group-by <what>', 'keep rows of one prompt together, or take each by itself')
        .choices(['prompt', 'row'])
        .default('prompt'),
    )
    .option('--gzip', 'pack the parts')
    .addOption(new Option('--parquet', 'write the parts as Parquet').conflicts('gzip'))
    .action(async (file: string, options: SplitFlags, command: Command) => {
      const { splitFile } = await import('../../data/index.ts');
      const extension = options.parquet ? 'parquet' : options.gzip ? 'jsonl.gz' : 'jsonl';
      const parts = parseFractions(options.fractions).map(({ name, fraction }) => ({
        name,
        fraction,
        path: join(options.output, `${name}.${extension}`),
      }));
      refuseItself(file, parts);
      const { localFile } = await import('../hub-input.ts');
      const bad = badRows(file, options.output, options);
      const report = await splitFile(await localFile(file), { ...options, ...bad, parts });
      const lines = report.parts.map((part) => {
        const share = report.rowsRead === 0 ? 0 : (100 * part.rows) / report.rowsRead;
        return `${part.path}: ${part.rows} rows (${share.toFixed(1)} %)`;
      });
      lines.push(...skipped(report.badRows, bad));
      print(command, { type: 'data-split', ...report }, lines.join('\n'));
    });
}

/** A file that has become one of its parts would lose the others when it is split once more. */
function refuseItself(
  file: string,
  parts: readonly { readonly name: string; readonly path: string }[],
): void {
  const itself = parts.find(({ path }) => resolve(path) === resolve(file));
  if (!itself) return;
  throw new TenetError(
    'usage',
    `the part ${itself.name} would replace ${file}, which is to be split; give another folder with --output.`,
  );
}

interface ReadFlags extends Pick<ReadOptions, 'onBadRow' | 'badRowsPath'> {
  format?: RecordFormat;
  fields?: Record<string, string>;
}

interface CheckFlags extends ReadFlags {
  tokenizer?: string;
  maxLength?: number;
  against?: string;
  similarity: number;
  chat?: boolean;
  problems?: number;
}

interface TreeFlags extends Pick<TreeOptions, 'review' | 'bestOnly' | 'synthetic'> {
  lang?: string[];
  atLeast?: Record<string, number>;
  atMost?: Record<string, number>;
  treeState?: string[];
}

interface ConvertFlags extends ReadFlags, TreeFlags {
  to: TargetFormat;
  style: Style;
}

interface SplitFlags extends ReadFlags {
  output: string;
  fractions: string;
  seed: number;
  groupBy: 'prompt' | 'row';
  gzip?: boolean;
  parquet?: boolean;
}

function withReadOptions(command: Command): Command {
  return command
    .option('--format <name>', 'format of the rows (default: found out from the first 100 rows)')
    .option('--field <name=column>', 'read a column under another name, such as prompt=question', toField)
    .hook('preAction', (_, action) => {
      action.setOptionValue('fields', action.getOptionValue('field'));
    });
}

function withBadRowOptions(command: Command): Command {
  return command
    .addOption(
      new Option('--on-bad-row <what>', 'stop and name all bad rows, or leave them out')
        .choices(['error', 'skip'])
        .default('error'),
    )
    .option(
      '--bad-rows-path <file>',
      'where skipped rows are written, as JSON Lines (default: bad-rows-<file>.jsonl beside what is written)',
    );
}

function withTreeOptions(command: Command): Command {
  return command
    .optionsGroup('Of OpenAssistant message trees:')
    .option('--lang <list>', 'languages to use, such as en,de (default: all)', toList)
    .option('--at-least <label=mean>', 'least mean rating of a message, such as quality=0.5', toLimit)
    .option('--at-most <label=mean>', 'greatest mean rating of a message, such as toxicity=0.3', toLimit)
    .addOption(
      new Option('--review <which>', "messages by their reviewers' verdict")
        .choices(['accepted', 'not-rejected', 'any'])
        .default('not-rejected'),
    )
    .option('--tree-state <list>', 'states of trees to use, or all (default: ready_for_export)', toList)
    .option('--no-synthetic', 'leave out answers written by models')
    .option('--best-only', 'conversations: of ranked answers the best alone');
}

function treeOptions(flags: TreeFlags): TreeOptions {
  const { lang: languages, atLeast, atMost, review, synthetic, bestOnly, treeState } = flags;
  const treeStates = treeState?.includes('all') ? [] : treeState;
  return { languages, atLeast, atMost, review, synthetic, bestOnly, treeStates };
}

function print(command: Command, object: object, text: string): void {
  const { json } = command.optsWithGlobals<{ json?: boolean }>();
  process.stdout.write(`${json ? JSON.stringify(object) : text}\n`);
}

/** Where bad rows are written. @param folder of what is written */
function badRows(
  file: string,
  folder: string,
  { onBadRow, badRowsPath }: ReadFlags,
): Pick<ReadFlags, 'badRowsPath'> {
  if (onBadRow !== 'skip') return {};
  return { badRowsPath: badRowsPath ?? join(folder, `bad-rows-${basename(file)}.jsonl`) };
}

function skipped(count: number, { badRowsPath }: Pick<ReadFlags, 'badRowsPath'>): string[] {
  return count > 0 ? [`${count} bad rows skipped, written to ${badRowsPath}`] : [];
}

function toField(value: string, previous: Record<string, string> = {}): Record<string, string> {
  const [name, column] = value.split('=');
  if (!name || !column) throw new InvalidArgumentError('Write name=column, for example prompt=question.');
  return { ...previous, [name]: column };
}

function toList(value: string): string[] {
  return value.split(',').map((entry) => entry.trim());
}

function toLimit(value: string, previous: Record<string, number> = {}): Record<string, number> {
  const [label, mean] = value.split('=');
  const limit = Number(mean);
  if (!label || !mean || !(limit >= 0 && limit <= 1)) {
    throw new InvalidArgumentError('Write label=mean with a mean in [0, 1], for example quality=0.5.');
  }
  return { ...previous, [label]: limit };
}

function parseFractions(list: string): { name: string; fraction: number }[] {
  return list.split(',').map((entry) => {
    const [name, share] = entry.split('=').map((text) => text.trim());
    return { name, fraction: Number(share) };
  });
}

function fraction(value: string): number {
  const number = Number(value);
  if (!(number > 0 && number <= 1)) throw new InvalidArgumentError('Give a number above 0 and at most 1.');
  return number;
}
