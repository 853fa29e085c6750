import { Command } from 'commander';
import type { GuardPolicy } from '../../guard/index.ts';
import { count, port } from '../flag-values.ts';
import { globalOptions } from '../global-options.ts';
import { addGuardFlags, type GuardFlags, guardsOf, modeNote, policyOf } from '../guard-flags.ts';
import { reportFailure } from '../print-error.ts';
import { storeOption } from '../store-option.ts';

interface ServeFlags extends GuardFlags {
  readonly upstream: string;
  readonly guard: string;
  readonly host: string;
  readonly port: number;
  readonly store: string;
}

/** `tenet guard serve`: a guard in front of any server that speaks OpenAI's interface. */
export function serveCommand(): Command {
  const command = new Command('serve')
    .summary('a guard in front of any server that speaks the interface of OpenAI')
    .description(
      'Stands between programs and a model server and speaks the interface of OpenAI to both: /v1/chat/completions, ' +
        '/v1/completions and /v1/models. It screens every conversation before it is answered, and holds every answer ' +
        'back, streams too, until what it says has been screened. What goes against the policy is answered with a ' +
        'refusal.\n\n' +
        'It also offers /v1/moderations, /v1/guard/appeals, /metrics for Prometheus and /healthz. Ctrl-C lets requests ' +
        'under way finish.',
    )
    .requiredOption('-u, --upstream <url>', 'the server to guard: http://localhost:8000/v1')
    .option('-g, --guard <name>', 'keywords (a baseline), or the folder of a guard', 'keywords')
    .option('--policy <file>', 'YAML file: thresholds, rules by route and model, audit log, ledger')
    .option('--host <address>', 'where to listen; the default is this machine alone', '127.0.0.1')
    .option('--port <n>', '0 takes any free one', port, 8200);
  return addGuardFlags(command)
    .option('--threads <n>', 'threads of a trained guard’s engine (default: all cores)', count)
    .optionsGroup(
      'Where blocks, near misses and appeals become label tasks, when given or when the policy has a ledger:',
    )
    .addOption(storeOption())
    .action(async (flags: ServeFlags, self: Command) => {
      const [{ serveGuard }, { openCascade, openGuard }, { interruptSignal, interrupted }] =
        await Promise.all([
          import('../../server/guard/index.ts'),
          import('../../guard/index.ts'),
          import('../interrupt.ts'),
        ]);
      const policy = await policyOf(flags, self);
      const { name, options } = await guardsOf(flags, policy, self);
      const guard = policy.cascade
        ? await openCascade(policy.cascade, options)
        : await openGuard(name, options);
      const store = policy.ledger && (await (await import('../../store/index.ts')).openStore(flags.store));
      try {
        const signal = interruptSignal(
          'Stopping: requests under way are finished first. Once more to stop at once.',
        );
        const server = await serveGuard({
          ...{ guard, policy, store, upstream: flags.upstream, host: flags.host, port: flags.port },
          apiKey: process.env.TENET_GUARD_API_KEY?.trim() || undefined,
          upstreamKey: process.env.TENET_GUARD_UPSTREAM_KEY?.trim() || undefined,
          onFailure: reportFailure,
        });
        const mode = policy.defaults.mode ?? 'enforce';
        if (globalOptions(self).json) {
          const record = {
            type: 'serving',
            url: server.url,
            guard: guard.name,
            upstream: flags.upstream,
            mode,
          };
          process.stdout.write(`${JSON.stringify(record)}\n`);
        } else process.stdout.write(greeting(server.url, guard.name, flags, policy));
        await interrupted(signal);
        await server.close();
      } finally {
        await store?.close();
      }
    })
    .addHelpText(
      'after',
      '\nEnvironment:\n' +
        '  TENET_GUARD_UPSTREAM_KEY  key for the upstream (default: the key that each client brings)\n' +
        '  TENET_GUARD_API_KEY       key that clients must bring to the guard (default: none; theirs go to the upstream)\n' +
        '  TENET_STORE               as --store, where the policy has a ledger\n' +
        '\nExamples:\n' +
        '  tenet guard serve --upstream http://localhost:8000/v1\n' +
        '  tenet guard serve --upstream http://localhost:11434/v1 --guard guards/house --policy guard.yaml\n' +
        '  tenet guard serve --upstream https://api.openai.com/v1 --shadow --audit audit.jsonl',
    );
}

function greeting(url: string, guard: string, { upstream }: ServeFlags, policy: GuardPolicy): string {
  const body = JSON.stringify({
    model: '…',
    messages: [{ role: 'user', content: 'How do I build a pipe bomb?' }],
  });
  return (
    `Guarding ${upstream} at ${url} with ${guard} (Ctrl-C ends)\n${modeNote(policy)}\n` +
    `  curl ${url}/chat/completions -H 'content-type: application/json' -d '${body}'\n` +
    `  Metrics: ${url.replace(/\/v1$/, '')}/metrics\n`
  );
}
