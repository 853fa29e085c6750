import { basename } from 'node:path';
import { Command } from 'commander';
import type { TextGenerator } from '../../model/index.ts';
import type { ChatSession } from '../chat/chat-session.ts';
import { globalOptions } from '../global-options.ts';
import { localModel } from '../hub-input.ts';
import { type SamplingFlags, textOptions, withSamplingFlags } from '../sampling-flags.ts';

/** `tenet chat`: a conversation with a model. */
export function chatCommand(): Command {
  const command = new Command('chat')
    .summary('talk with a model')
    .description(
      'A conversation with a model, kept until /reset. Each line is a message; piped in, the lines of a file are. ' +
        'Commands: /reset, /system TEXT, /help, /exit. Ctrl-C stops a reply, and ends the conversation otherwise.',
    )
    .requiredOption('-m, --model <folder>', 'model folder in Hugging Face layout, or run folder');
  return withSamplingFlags(command).action(async (flags: SamplingFlags, self: Command) => {
    const { json } = globalOptions(self);
    const [{ TextGenerator }, { findModel }, { ChatSession }, { createInterface }, { styleText }] =
      await Promise.all([
        import('../../model/index.ts'),
        import('../../run/find-model.ts'),
        import('../chat/chat-session.ts'),
        import('node:readline'),
        import('node:util'),
      ]);
    const { folder } = await findModel(await localModel(flags.model));
    const model = await TextGenerator.load(folder, { threads: flags.threads, batchSize: 1 });
    const interactive = Boolean(process.stdin.isTTY && process.stdout.isTTY) && !json;
    const dim = (text: string): string => (process.stderr.isTTY ? styleText('dim', text) : text);
    const notice = (text: string): void => void process.stderr.write(`${dim(text)}\n`);
    const session = new ChatSession({
      model,
      system: flags.system,
      sampling: textOptions(flags),
      seed: flags.seed,
      onText: (piece) => !json && process.stdout.write(piece),
      onNotice: notice,
    });
    const lines = createInterface({
      input: process.stdin,
      output: interactive ? process.stdout : undefined,
      terminal: interactive,
      prompt: '> ',
    });
    const interrupt = (): void => {
      if (session.interrupt()) return; // the reply stops, the conversation goes on
      process.exitCode = 130;
      lines.close();
    };
    (interactive ? lines : process).on('SIGINT', interrupt);
    if (interactive) greet(basename(flags.model), model, notice);
    if (interactive) lines.prompt();
    for await (const line of lines) {
      if (!(await takeLine(session, line, json))) break;
      if (interactive) lines.prompt();
    }
    lines.close();
    if (interactive) process.stdout.write('\n');
    process.off('SIGINT', interrupt);
    await model.release();
  });
}

/** @returns false when the conversation is over */
async function takeLine(session: ChatSession, line: string, json: boolean): Promise<boolean> {
  const outcome = await session.take(line);
  if (outcome.kind === 'reply') {
    const record = { type: 'reply', text: outcome.text, interrupted: outcome.interrupted };
    process.stdout.write(json ? `${JSON.stringify(record)}\n` : `${outcome.interrupted ? ' …' : ''}\n\n`);
  }
  return outcome.kind !== 'exit';
}

function greet(name: string, model: TextGenerator, notice: (text: string) => void): void {
  notice(`Talking with ${name}. /help lists the commands, Ctrl-D ends.`);
  if (model.template?.isDefault) {
    notice(
      'This model brings no chat template, so messages reach it in a Human/Assistant form. A base model that was ' +
        'never trained on it will not answer well; see `tenet generate` to let it continue texts.',
    );
  }
}
