import { Command, InvalidArgumentError } from 'commander';
import { globalOptions } from '../global-options.ts';

interface ServeFlags {
  readonly openai?: boolean;
  readonly model: string;
  readonly stage?: string;
  readonly name?: string;
  readonly host: string;
  readonly port: number;
  readonly batchSize?: number;
  readonly threads?: number;
}

/** `tenet serve`: a model behind an HTTP interface that other programs know. */
export function serveCommand(): Command {
  return new Command('serve')
    .summary('serve a model to other programs')
    .description(
      'Serves a model through the HTTP interface of OpenAI: /v1/chat/completions, /v1/completions and /v1/models. ' +
        'Requests that come at the same time are computed together. Ctrl-C lets those under way finish.',
    )
    .option('--openai', 'the interface of OpenAI (the only one, so it may be left out)')
    .requiredOption('-m, --model <folder>', 'model folder in Hugging Face layout, or run folder')
    .option('--stage <name>', 'of a run folder: the stage whose model is served (default: the newest)')
    .option('--name <name>', 'what requests call the model (default: the name of the folder or run)')
    .option('--host <address>', 'where to listen; other than this machine needs a key', '127.0.0.1')
    .option('--port <n>', '0 takes any free one', port, 8000)
    .option('--batch-size <n>', 'responses computed at once (default: 64)', count)
    .option('--threads <n>', 'threads of the engine (default: all cores)', count)
    .action(async (flags: ServeFlags, self: Command) => {
      const { json } = globalOptions(self);
      const [{ serveOpenAi }, { findModel }, { interruptSignal }, { basename, resolve }] = await Promise.all([
        import('../../server/openai/index.ts'),
        import('../../run/find-model.ts'),
        import('../interrupt.ts'),
        import('node:path'),
      ]);
      const { folder } = await findModel(flags.model, flags.stage);
      const name = flags.name ?? basename(resolve(flags.model));
      const signal = interruptSignal(
        'Stopping: requests under way are finished first. Once more to stop at once.',
      );
      const apiKey = process.env.TENET_SERVE_API_KEY?.trim() || undefined;
      const server = await serveOpenAi({
        folder,
        name,
        host: flags.host,
        port: flags.port,
        apiKey,
        engine: { batchSize: flags.batchSize, threads: flags.threads },
        onFailure: (error) =>
          process.stderr.write(`${error instanceof Error ? error.stack : String(error)}\n`),
      });
      const record = { type: 'serving', url: server.url, model: name, folder, key: apiKey !== undefined };
      process.stdout.write(
        json ? `${JSON.stringify(record)}\n` : greeting(server.url, name, apiKey !== undefined),
      );
      await new Promise<void>((resolve) => {
        if (signal.aborted) resolve();
        signal.addEventListener('abort', () => resolve(), { once: true });
      });
      await server.close();
    })
    .addHelpText(
      'after',
      '\nEnvironment:\n' +
        '  TENET_SERVE_API_KEY  key that requests must bring; needed to listen on a public address\n' +
        '\nExamples:\n' +
        '  tenet serve --openai --model runs/quickstart\n' +
        '  TENET_SERVE_API_KEY=… tenet serve --model my-model --host 0.0.0.0 --port 8080',
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

function port(value: string): number {
  if (!/^\d+$/.test(value) || Number(value) > 65_535)
    throw new InvalidArgumentError('Give a port from 0 to 65535.');
  return Number(value);
}

function count(value: string): number {
  if (!/^[1-9]\d*$/.test(value)) throw new InvalidArgumentError('Give a whole number from 1.');
  return Number(value);
}
