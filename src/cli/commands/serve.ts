import { Command, Option } from 'commander';
import { count, port } from '../flag-values.ts';
import { globalOptions } from '../global-options.ts';
import { addGuardFlags, type GuardFlags, guardsOf, modeNote, policyOf } from '../guard-flags.ts';
import { reportFailure } from '../print-error.ts';
import { storeOption } from '../store-option.ts';

interface ServeFlags extends GuardFlags {
  readonly openai?: boolean;
  readonly model?: string;
  readonly stage?: string;
  readonly name?: string;
  readonly host: string;
  readonly port?: number;
  readonly batchSize?: number;
  readonly store: string;
  readonly runs: string;
  readonly constitutions: string;
  readonly recipes?: readonly string[];
  readonly playground?: readonly string[];
  readonly url?: string;
  readonly apiOnly?: boolean;
  readonly oidcIssuer?: string;
  readonly oidcClientId?: string;
  readonly oidcName?: string;
  readonly oidcRole?: string;
}

/** `tenet serve`: the web app for people, or a model behind an HTTP interface that other programs know. */
export function serveCommand(): Command {
  const command = new Command('serve')
    .summary('the web app: labelling, runs; or a model for other programs')
    .description(
      'Serves the web app: people label and decide, runs are watched, started and stopped. The first start prints a ' +
        'link that makes the first admin’s account.\n\n' +
        'With --openai it serves a model instead, through the HTTP interface of OpenAI: /v1/chat/completions, ' +
        '/v1/completions and /v1/models. Requests that come at the same time are computed together. With --guard every ' +
        'conversation and every answer is screened too, as by "tenet guard serve".\n\n' +
        'Ctrl-C lets requests under way finish.',
    )
    .option('--host <address>', 'where to listen; the default is this machine alone', '127.0.0.1')
    .option('--port <n>', '0 takes any free one (default: 8100; 8000 with --openai)', port)
    .optionsGroup('The web app:')
    .addOption(storeOption())
    .option('--runs <folder>', 'folder that runs lie in', 'runs')
    .option(
      '--recipes <folder...>',
      'folders with recipes to start from the browser (default: recipes, and Tenet’s own)',
    )
    .option('--constitutions <folder>', 'folder that constitutions lie in', 'constitutions')
    .option(
      '--playground <model...>',
      'models to talk with besides those of runs: run or model folder, hub:owner/name, openai:<model>, …',
    )
    .option(
      '--url <address>',
      'where people reach it, when a proxy stands before it: https://labels.example.org',
    )
    .option('--api-only', 'offer the API without the pages')
    .addOption(
      new Option(
        '--oidc-issuer <address>',
        'people may sign in with this provider of OpenID Connect too; its secret is TENET_OIDC_CLIENT_SECRET',
      ).env('TENET_OIDC_ISSUER'),
    )
    .addOption(
      new Option('--oidc-client-id <id>', 'what the provider knows Tenet by').env('TENET_OIDC_CLIENT_ID'),
    )
    .addOption(new Option('--oidc-name <name>', 'what the page calls the provider').env('TENET_OIDC_NAME'))
    .addOption(
      new Option(
        '--oidc-role <role>',
        'of people who come from there without an invitation: viewer, annotator, adjudicator or none (default: none)',
      ).env('TENET_OIDC_ROLE'),
    )
    .optionsGroup('A model for other programs:')
    .option('--openai', 'serve a model through the interface of OpenAI')
    .option('-m, --model <folder>', 'model folder in Hugging Face layout, or run folder; implies --openai')
    .option('--stage <name>', 'of a run folder: the stage whose model is served (default: the newest)')
    .option('--name <name>', 'what requests call the model (default: the name of the folder or run)')
    .option('--batch-size <n>', 'responses computed at once (default: 64)', count)
    .option('--threads <n>', 'threads of the engine (default: all cores)', count)
    .optionsGroup('A guard for that model:')
    .option(
      '-g, --guard <name>',
      'keywords, or the folder of a guard; probes on this very model are computed while it answers',
    )
    .option(
      '--policy <file>',
      'YAML file: thresholds, cascade, rules by route and model, audit log, ledger (kept in --store)',
    );
  return addGuardFlags(command)
    .action(async (flags: ServeFlags, self: Command) => {
      const { json } = globalOptions(self);
      if (flags.openai || flags.model !== undefined) await serveModel(flags, json, self);
      else if (isGuarded(flags)) {
        const { TenetError } = await import('../../base/error.ts');
        throw new TenetError('usage', 'What is to be guarded? Name the model: --model <folder>.');
      } else await serveWebApp(flags, json);
    })
    .addHelpText(
      'after',
      '\nEnvironment:\n' +
        '  TENET_STORE          where accounts, tasks and labels are kept, as --store\n' +
        '  TENET_SECRET         signs cookies (default: one made at the first start and kept in the store)\n' +
        '  TENET_OIDC_…         ISSUER, CLIENT_ID, NAME, ROLE as the flags; CLIENT_SECRET here alone\n' +
        '  TENET_SERVE_API_KEY  with --openai: key that requests must bring; needed to listen on a public address\n' +
        '\nExamples:\n' +
        '  tenet serve\n' +
        '  tenet serve --playground hub:HuggingFaceTB/SmolLM2-135M-Instruct openai:gpt-4.1-mini\n' +
        '  tenet serve --store postgres://tenet@db/labels --host 0.0.0.0 --url https://labels.example.org\n' +
        '  tenet serve --openai --model runs/quickstart\n' +
        '  tenet serve --model models/assistant --guard guards/probe --audit audit.jsonl\n' +
        '  TENET_SERVE_API_KEY=… tenet serve --openai --model my-model --host 0.0.0.0 --port 8080',
    );
}

async function serveWebApp(flags: ServeFlags, json: boolean): Promise<void> {
  const [{ serveApp }, { oidcOptions }, { interrupted, interruptSignal }, { fileURLToPath }] =
    await Promise.all([
      import('../../server/serve-app.ts'),
      import('../../server/accounts/oidc.ts'),
      import('../interrupt.ts'),
      import('node:url'),
    ]);
  const signal = interruptSignal(
    'Stopping: requests under way are finished first. Once more to stop at once.',
  );
  const own = fileURLToPath(new URL('../../../recipes', import.meta.url));
  const app = await serveApp({
    store: flags.store,
    runs: flags.runs,
    constitutions: flags.constitutions,
    recipeFolders: flags.recipes ?? ['recipes', own],
    models: flags.playground,
    command: [process.execPath, ...process.execArgv, process.argv[1]],
    host: flags.host,
    port: flags.port,
    url: flags.url,
    oidc: oidcOptions({
      issuer: flags.oidcIssuer,
      clientId: flags.oidcClientId,
      clientSecret: process.env.TENET_OIDC_CLIENT_SECRET?.trim() || undefined,
      name: flags.oidcName,
      role: flags.oidcRole,
    }),
    ...(flags.apiOnly && { pages: false as const }),
    onFailure: reportFailure,
  });
  if (json) print({ type: 'serving', url: app.url, adminLink: app.adminLink });
  else process.stdout.write(welcome(app.url, app.adminLink));
  await interrupted(signal);
  await app.close();
}

function isGuarded({ guard, policy }: ServeFlags): boolean {
  return guard !== undefined || policy !== undefined;
}

async function serveModel(flags: ServeFlags, json: boolean, self: Command): Promise<void> {
  const [
    { serveOpenAi },
    { findModel },
    { interrupted, interruptSignal },
    { basename, resolve },
    { TenetError },
  ] = await Promise.all([
    import('../../server/openai/index.ts'),
    import('../../run/find-model.ts'),
    import('../interrupt.ts'),
    import('node:path'),
    import('../../base/index.ts'),
  ]);
  if (flags.model === undefined) {
    throw new TenetError(
      'usage',
      'Which model? Give a model folder or a run folder: --openai --model <folder>.',
    );
  }
  const { folder } = await findModel(flags.model, flags.stage);
  const name = flags.name ?? basename(resolve(flags.model));
  const signal = interruptSignal(
    'Stopping: requests under way are finished first. Once more to stop at once.',
  );
  const apiKey = process.env.TENET_SERVE_API_KEY?.trim() || undefined;
  const serving = {
    ...{ folder, name, host: flags.host, port: flags.port, apiKey, onFailure: reportFailure },
    engine: { batchSize: flags.batchSize, threads: flags.threads },
  };
  const needsKey = apiKey !== undefined;
  if (!isGuarded(flags)) {
    const server = await serveOpenAi(serving);
    if (json) print({ type: 'serving', url: server.url, model: name, folder, key: needsKey });
    else process.stdout.write(greeting(server.url, name, needsKey));
    await interrupted(signal);
    await server.close();
    return;
  }
  const policy = await policyOf(flags, self);
  const { name: guard, options: guardOptions } = await guardsOf(flags, policy, self);
  const store = policy.ledger && (await (await import('../../store/index.ts')).openStore(flags.store));
  try {
    const { serveGuardedModel } = await import('../../server/guard/index.ts');
    const server = await serveGuardedModel({ ...serving, guard, guardOptions, policy, store });
    const { url, sharedProbe } = server;
    const mode = policy.defaults.mode ?? 'enforce';
    if (json) {
      const facts = { guard: server.guard, sharedProbe, mode };
      print({ type: 'serving', url, model: name, folder, key: needsKey, ...facts });
    } else {
      const how = sharedProbe === null ? '' : `\n${sharedProbe} is computed in the model’s own pass.`;
      process.stdout.write(
        `${greeting(url, name, needsKey)}\nGuarded with ${server.guard}.${how}\n${modeNote(policy)}` +
          `  Metrics: ${url.replace(/\/v1$/, '')}/metrics\n`,
      );
    }
    await interrupted(signal);
    await server.close();
  } finally {
    await store?.close();
  }
}

function print(record: object): void {
  process.stdout.write(`${JSON.stringify(record)}\n`);
}

function welcome(url: string, adminLink: string | null): string {
  if (adminLink === null) return `Tenet is at ${url} (Ctrl-C ends)\n`;
  return (
    `Tenet is at ${url} (Ctrl-C ends)\n\n` +
    'Nobody has an account yet. Make yours, the first admin’s, with this link; it works once, for a day:\n\n' +
    `  ${adminLink}\n`
  );
}

function greeting(url: string, name: string, needsKey: boolean): string {
  const key = needsKey ? " -H 'authorization: Bearer …'" : '';
  const body = JSON.stringify({ model: name, messages: [{ role: 'user', content: 'Hello!' }] });
  return (
    `Serving ${name} at ${url} (Ctrl-C ends)\n\n` +
    `  curl ${url}/chat/completions${key} -H 'content-type: application/json' -d '${body}'\n` +
    `  In Tenet: openai-compatible:${name}@${url}\n`
  );
}
