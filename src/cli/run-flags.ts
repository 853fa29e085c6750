/** The options that `tenet run` and `tenet train` share. */
import type { Command } from 'commander';

export interface RunFlags {
  readonly output?: string;
  readonly set?: readonly string[];
  readonly resume?: boolean;
  readonly overwrite?: boolean;
  readonly dryRun?: boolean;
  readonly tensorboard?: boolean;
  readonly mlflow?: string | true;
  readonly mlflowExperiment?: string;
  readonly memory?: string;
}

/** What the flags override in a recipe, as `--set` writes it. */
export function overridesOf({ set = [], memory }: RunFlags): readonly string[] {
  return memory === undefined ? set : [`memory=${JSON.stringify(memory)}`, ...set];
}

/**
 * Adds them to a command.
 * @param about.output  the default of the run folder, in words
 * @param about.example an override that makes sense for this command
 */
export function withRunFlags(
  command: Command,
  about: { readonly output: string; readonly example: string },
): Command {
  return command
    .option('-o, --output <folder>', `run folder (default: ${about.output})`)
    .option(
      '-s, --set <option=value>',
      `override an option, such as ${about.example}; may be repeated`,
      (value: string, previous: readonly string[] = []) => [...previous, value],
    )
    .option('--resume', 'continue the run that is in the run folder')
    .option('--overwrite', 'delete the run that is in the run folder and start again')
    .option('--memory <size>', 'memory that the run may take, such as 8GB: micro-batches are chosen to fit')
    .option(
      '--tensorboard',
      'write the metrics as TensorBoard event files too, into <run folder>/tensorboard',
    )
    .option(
      '--mlflow [url]',
      'send the metrics and options to an MLflow server too, such as http://localhost:5000 (default: MLFLOW_TRACKING_URI)',
    )
    .option('--mlflow-experiment <name>', 'experiment of MLflow (default: MLFLOW_EXPERIMENT_NAME, or tenet)')
    .option('--dry-run', 'print the plan with estimates of memory and time, and stop');
}
