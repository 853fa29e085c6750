import { Command } from 'commander';
import type { Checks, ProvenanceNode } from '../../run/trace/index.ts';
import { globalOptions } from '../global-options.ts';

/** `tenet trace <source>`: where a model comes from. */
export function traceCommand(): Command {
  return new Command('trace')
    .summary('walk from a model back to the data, labels and principles that made it')
    .description(
      'Follows the record of a model through its stages: the models each started from, the data files, the labels ' +
        'and who gave them, the principles and their constitution, recipes and seeds. Everything has a hash, and what ' +
        'can be checked is: ✓ as recorded, ✗ changed since, ? not there any more, · nothing to compare. Exit code 1 ' +
        'when something has changed.',
    )
    .argument('<source>', 'run folder, or model folder, also one that was exported')
    .option('--stage <name>', 'of a run: whose model (default: the newest language model)')
    .option('--no-check', 'print the record without checking it')
    .action(async (source: string, options: { stage?: string; check: boolean }, command: Command) => {
      const trace = await import('../../run/trace/index.ts');
      const { json } = globalOptions(command);
      const model = await trace.collectProvenance(source, options.stage);
      const checks = options.check ? await trace.checkProvenance(model) : null;
      if (json) {
        process.stdout.write(`${JSON.stringify({ type: 'trace', model: withChecks(model, checks) })}\n`);
      } else {
        process.stdout.write(`${trace.formatProvenance(model, checks).join('\n')}\n`);
        if (checks) process.stdout.write(`\n${trace.summariseChecks(checks)}\n`);
      }
      if ([...(checks?.values() ?? [])].some(({ status }) => status === 'differs')) process.exitCode = 1;
    });
}

/** The tree with what was found at each node. */
function withChecks(node: ProvenanceNode, checks: Checks | null): object {
  const check = checks?.get(node.id);
  return {
    ...node,
    ...(check && { check }),
    children: node.children.map((child) => withChecks(child, checks)),
  };
}
