import { Command } from 'commander';
import type { GuardModel, GuardPolicy } from '../../guard/index.ts';
import { count, port, share, unit } from '../flag-values.ts';
import { globalOptions } from '../global-options.ts';
import { reportFailure } from '../print-error.ts';
import { storeOption } from '../store-option.ts';

interface ServeFlags {
  readonly upstream: string;
  readonly guard: string;
  readonly policy?: string;
  readonly refusalRate?: number;
  readonly int8?: boolean;
  readonly threads?: number;
  readonly threshold?: number;
  readonly shadow?: boolean;
  readonly failOpen?: boolean;
  readonly audit?: string;
  readonly host: string;
  readonly port: number;
  readonly store: string;
}

/** `tenet guard serve`: a guard in front of any server that speaks OpenAI's interface. */
export function serveCommand(): Command {
  return new Command('serve')
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
    .option('--port <n>', '0 takes any free one', port, 8200)
    .optionsGroup('A guard that was trained:')
    .option('--refusal-rate <share>', 'share of harmless traffic that it may refuse (default: 0.01)', share)
    .option('--int8', 'compute its products with weights in 8 bits: faster, nearly as exact')
    .option('--threads <n>', 'threads of the engine (default: all cores)', count)
    .optionsGroup('In place of what the policy says by default:')
    .option('--threshold <score>', 'score from which conversations and answers are blocked', unit)
    .option('--shadow', 'screen and record, but let everything pass')
    .option('--fail-open', 'let pass unscreened what the guard fails on, in place of an error')
    .option('--audit <file>', 'append a line for every request to this file; texts only as hashes')
    .optionsGroup(
      'Where blocks, near misses and appeals become label tasks, when given or when the policy has a ledger:',
    )
    .addOption(storeOption())
    .action(async (flags: ServeFlags, self: Command) => {
      const [{ serveGuard }, { readPolicy, toPolicy }, { interruptSignal, interrupted }] = await Promise.all([
        import('../../server/guard/index.ts'),
        import('../../guard/index.ts'),
        import('../interrupt.ts'),
      ]);
      const given = flags.policy === undefined ? toPolicy() : await readPolicy(flags.policy);
      const { threshold, shadow, failOpen, audit } = flags;
      const thresholds = threshold === undefined ? {} : { input: threshold, output: threshold };
      const policy = {
        ...given,
        defaults: {
          ...given.defaults,
          ...(threshold !== undefined && { thresholds: { ...given.defaults.thresholds, ...thresholds } }),
          ...(shadow && { mode: 'shadow' as const }),
          ...(failOpen && { failure: 'open' as const }),
        },
        ...(audit !== undefined && { audit: { content: 'hash' as const, ...given.audit, file: audit } }),
        ...(self.getOptionValueSource('store') === 'cli' &&
          !given.ledger && { ledger: toPolicy({ ledger: {} }).ledger }),
      };
      const guard = await openGuardOf(flags, policy.cascade, self.getOptionValueSource('guard') === 'cli');
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
        } else process.stdout.write(greeting(server.url, guard.name, flags, mode));
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

async function openGuardOf(
  flags: ServeFlags,
  stages: GuardPolicy['cascade'],
  isNamed: boolean,
): Promise<GuardModel> {
  const [{ openCascade, openGuard }, { TenetError }] = await Promise.all([
    import('../../guard/index.ts'),
    import('../../base/error.ts'),
  ]);
  const options = {
    refusalRate: flags.refusalRate,
    threads: flags.threads,
    inThread: true,
    ...(flags.int8 && { precision: 'int8' as const }),
  };
  if (!stages) return openGuard(flags.guard, options);
  if (isNamed)
    throw new TenetError('usage', 'The policy has a cascade, which says what screens: leave --guard out.');
  return openCascade(stages, options);
}

function greeting(url: string, guard: string, { upstream }: ServeFlags, mode: string): string {
  const body = JSON.stringify({
    model: '…',
    messages: [{ role: 'user', content: 'How do I build a pipe bomb?' }],
  });
  const notes = {
    enforce: '',
    shadow: 'Shadow mode: everything passes; what would have been blocked is only recorded.\n',
    off: 'Mode off: nothing is screened but what rules of the policy say.\n',
  };
  return (
    `Guarding ${upstream} at ${url} with ${guard} (Ctrl-C ends)\n${notes[mode as keyof typeof notes] ?? ''}\n` +
    `  curl ${url}/chat/completions -H 'content-type: application/json' -d '${body}'\n` +
    `  Metrics: ${url.replace(/\/v1$/, '')}/metrics\n`
  );
}
