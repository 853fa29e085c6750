import { Command, Option } from 'commander';
import type { FloatDtype } from '../../model/float-formats.ts';
import { globalOptions } from '../global-options.ts';

interface ExportFlags {
  readonly output: string;
  readonly stage?: string;
  readonly dtype?: FloatDtype;
  readonly merge?: boolean;
  readonly overwrite?: boolean;
}

/** `tenet export <run-folder|model-folder>`: a model as a folder that transformers loads. */
export function exportCommand(): Command {
  return new Command('export')
    .summary('take a model out of a run, as a Hugging Face folder')
    .description(
      'Writes the model of a run (by default its newest language model) with tokenizer and model card to a folder that ' +
        'Hugging Face transformers and Tenet load. Also copies a model folder, for instance to store it in 16 bits.',
    )
    .argument('<folder>', 'run folder or model folder')
    .requiredOption('-o, --output <folder>', 'folder to write')
    .option('--stage <name>', 'stage whose model to take, such as sft or reward')
    .addOption(
      new Option('--dtype <type>', 'how to store the weights (default: as they are)').choices([
        'float32',
        'float16',
        'bfloat16',
      ] satisfies FloatDtype[]),
    )
    .option('--merge', 'write an adapter into the weights of its base, as one plain model')
    .option('--overwrite', 'replace a model that is in the output folder')
    .action(async (source: string, flags: ExportFlags, command: Command) => {
      const { exportModel } = await import('../../run/export-model.ts');
      const result = await exportModel({ source, ...flags });
      const { json } = globalOptions(command);
      const { output, stage, head, parameters, dtype, isAdapter } = result;
      const model = head === 'causal' ? 'language model' : 'reward model';
      const kind = isAdapter ? `adapter of a ${model}` : model;
      process.stdout.write(
        json
          ? `${JSON.stringify({ type: 'export', ...result })}\n`
          : `${output}: ${kind}${stage ? ` of stage ${stage}` : ''}, ${parameters.toLocaleString('en')} parameters in ${dtype}\n`,
      );
    });
}
