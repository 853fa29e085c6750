import { rm } from 'node:fs/promises';
import { Command } from 'commander';
import type { GuardInputs } from '../../guard/index.ts';
import { collect, wholeNumber } from '../flag-values.ts';
import { globalOptions } from '../global-options.ts';
import { parseSet } from '../option-set.ts';

interface TrainFlags extends Omit<GuardInputs, 'data'> {
  readonly output: string;
  readonly holdOut?: readonly string[];
  readonly kinds?: readonly string[];
  readonly model?: string;
  readonly probe?: string | true;
  readonly constitution?: string;
  readonly set?: readonly string[];
  readonly resume?: boolean;
  readonly overwrite?: boolean;
}

/** `tenet guard train`: classifiers from data. */
export function trainCommand(): Command {
  return new Command('train')
    .summary('train classifiers that screen conversations and answers')
    .description(
      'Trains one model that judges conversations at their end (input), answers at every token (output), and answers in ' +
        'the light of the conversation (exchange). Sets its thresholds from the harmless texts that it was not trained on, ' +
        'and keeps whole sources and attacks for "tenet guard evaluate".\n\n' +
        'Reads its own rows ("tenet guard generate", "tenet guard export"), findings of "tenet redteam", AdvBench, ' +
        'HarmBench, JailbreakBench, XSTest and others that say what is harmful. For data that do not, say it: --harmful, --harmless.',
    )
    .argument('[data...]', 'files with labels')
    .requiredOption('-o, --output <folder>', 'where the guard is saved')
    .option('-t, --test <file>', 'file with labels that is for tests alone; may be repeated', collect)
    .option(
      '--harmful <file>',
      'prompts, or records of any format, that are harmful; may be repeated',
      collect,
    )
    .option('--harmless <file>', 'the same, harmless, such as ordinary requests; may be repeated', collect)
    .option(
      '--harmful-answers <file>',
      'records whose answers are harmful (of preferences the rejected one), whatever was asked; may be repeated',
      collect,
    )
    .option(
      '--harmless-answers <file>',
      'records whose answers are harmless (of preferences the chosen one), whatever was asked; may be repeated',
      collect,
    )
    .option('--test-harmful <file>', 'harmful ones for tests alone', collect)
    .option('--test-harmless <file>', 'harmless ones for tests alone', collect)
    .option(
      '--hold-out <names>',
      'sources or attacks among the data that are for tests alone, with commas between',
      list,
    )
    .option('--kinds <names>', 'what to learn of input, output, exchange (default: all)', list)
    .option(
      '-m, --model <folder>',
      'language model to stand on (default: a new one of 1.3 million parameters)',
    )
    .option(
      '--probe [layers]',
      'train linear probes on the hidden states of --model instead, layers from 0 with commas between (default: two)',
    )
    .option('-c, --constitution <file>', 'the constitution that the data follow; its hash is kept')
    .option(
      '-s, --set <option=value>',
      'change an option, such as learningRate=3e-4; may be repeated',
      collect,
    )
    .option('--resume', 'continue where an interrupted training stopped')
    .option('--overwrite', 'replace the guard that is in the folder, or a training of it that was stopped')
    .addHelpText(
      'after',
      '\nExamples:\n' +
        '  tenet guard train guard-data.jsonl -o guards/mine\n' +
        '  tenet guard train guard-data.jsonl -m models/assistant --probe 6,10 -o guards/probe\n' +
        '  tenet guard train redteam/labelled-replies.jsonl redteam/harmbench_val.csv --harmless alpaca.json \\\n' +
        '    --test redteam/xstest_prompts.csv -o guards/mine\n\n' +
        'Options for --set, with their defaults in docs/guard.md: numTrainEpochs, maxSteps, batchSize, learningRate, blendFrom,\n' +
        'blendTo, categoryWeight, languageModelCoef, balance, maxLength, disguises, trunk.width (…), probe.window (…), testShare,\n' +
        'calibrationShare, similarity, seed, threads, and those of every stage.\n',
    )
    .action(run);
}

async function run(files: readonly string[], flags: TrainFlags, self: Command): Promise<void> {
  const { json } = globalOptions(self);
  const [guard, { TenetError }, { createProgress }, { interruptSignal }, { openWorkplace }, { showTrained }] =
    await Promise.all([
      import('../../guard/index.ts'),
      import('../../base/index.ts'),
      import('../../run/progress.ts'),
      import('../interrupt.ts'),
      import('./workplace.ts'),
      import('./show-trained.ts'),
    ]);
  const options = await parseSet('guard train', guard.guardTrainOptions, flags.set);
  const { maxLength, disguises, probe, trunk, testShare, calibrationShare, similarity, ...classifier } =
    options;
  const kinds = flags.kinds as readonly import('../../guard/index.ts').GuardKind[] | undefined;
  const unknown = kinds?.find((kind) => !guard.guardKinds.includes(kind));
  if (unknown !== undefined) {
    throw new TenetError(
      'usage',
      `--kinds: there is no "${unknown}"; known are ${guard.guardKinds.join(', ')}.`,
    );
  }

  const layers = probeLayers(flags.probe);
  if (layers && (flags.model === undefined || flags.kinds)) {
    throw new TenetError(
      'usage',
      flags.kinds
        ? 'Probes learn input and exchange: leave --kinds out.'
        : 'Probes read the hidden states of a model: name it with --model.',
    );
  }

  // Step 1. Data.
  const sources = await guard.readGuardSources({ ...flags, data: files });
  if (!sources.some(({ use }) => use === 'train')) {
    throw new TenetError(
      'usage',
      'Give data to train on: files with labels, --harmful or --harmless; --help shows examples.',
    );
  }
  const constitution =
    flags.constitution === undefined
      ? undefined
      : await (await import('../../constitution/index.ts')).loadConstitution(flags.constitution);

  // Step 2. Training, where it can be resumed.
  const workplace = await openWorkplace(flags.output, flags);
  const display = createProgress({ json });
  const stage = 'guard';
  display.stage({ stage, index: 0, count: 1, status: 'running' });
  try {
    const common = {
      parts: { testShare, calibrationShare, similarity, ...(flags.holdOut && { holdOut: flags.holdOut }) },
      disguises,
      maxLength,
      ...(constitution && { constitution: { name: constitution.name, hash: constitution.hash } }),
      overwrite: flags.overwrite,
    };
    const { seed, threads } = classifier;
    const signal = interruptSignal();
    const file = layers
      ? await guard.trainProbes(flags.output, flags.model!, sources, {
          ...common,
          probe: {
            ...{ ...probe, ...layers, seed, threads, signal },
            onProgress: (done, total) => display.progress({ stage, done, total, metrics: {} }),
          },
        })
      : await guard.trainGuard(
          flags.output,
          sources,
          {
            ...common,
            classifier,
            ...(kinds && { kinds }),
            trunk: flags.model ?? { ...trunk, maxPositions: maxLength },
          },
          {
            ...{ folder: workplace, signal, resume: flags.resume ?? false },
            event: (step, metrics) => display.event({ stage, step, time: Date.now(), metrics }),
            sample: () => {},
            progress: (done, total, metrics = {}) => display.progress({ stage, done, total, metrics }),
            warn: (message) => display.warn({ stage, time: Date.now(), message }),
          },
        );
    await rm(workplace, { recursive: true, force: true });
    display.stage({ stage, index: 0, count: 1, status: 'finished' });
    display.close();
    process.stdout.write(
      json
        ? `${JSON.stringify({ type: 'guard', folder: flags.output, ...file })}\n`
        : showTrained(flags.output, file, sources),
    );
  } finally {
    display.close();
  }
}

/** What `--probe` says; null without it. */
function probeLayers(value: TrainFlags['probe']): { readonly layers?: readonly number[] } | null {
  if (value === undefined) return null;
  return value === true ? {} : { layers: value.split(',').map((layer) => wholeNumber(layer.trim())) };
}

function list(value: string, previous: readonly string[] = []): string[] {
  return [...previous, ...value.split(',').map((name) => name.trim())];
}
