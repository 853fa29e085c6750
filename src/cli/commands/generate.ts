import { Command } from 'commander';
import type { Content } from '../../data/index.ts';
import type { TextGeneration, TextGenerator, TextRequest } from '../../model/index.ts';
import { count } from '../flag-values.ts';
import { globalOptions } from '../global-options.ts';
import { localModel } from '../hub-input.ts';
import { type SamplingFlags, textOptions, withSamplingFlags } from '../sampling-flags.ts';

interface GenerateFlags extends SamplingFlags {
  readonly prompt?: string;
  readonly file?: string;
  readonly samples: number;
  readonly chat?: boolean;
  readonly output?: string;
}

/** `tenet generate`: answers prompts, or continues texts. */
export function generateCommand(): Command {
  const command = new Command('generate')
    .summary('answer prompts with a model')
    .description(
      'Answers a prompt, all prompts of a file, or a text piped in. A model with a chat template answers as an ' +
        'assistant; a base model continues the text.',
    )
    .requiredOption('-m, --model <folder>', 'model folder in Hugging Face layout, or run folder')
    .option('-p, --prompt <text>', 'the prompt')
    .option('-f, --file <file>', 'data file with a prompt in each row, or .txt with a prompt in each line')
    .option('-n, --samples <n>', 'responses to each prompt', count, 1)
    .option('-o, --output <file>', 'write prompts and responses to this data file (.jsonl, .json or .csv)')
    .option('--chat', 'put prompts into a Human/Assistant form where the model has no chat template')
    .option('--no-chat', 'continue prompts as they are, also where the model has a chat template');
  return withSamplingFlags(command)
    .action(async (flags: GenerateFlags, self: Command) => {
      const { json } = globalOptions(self);
      const [{ readPrompts }, { TextGenerator }, { findModel }] = await Promise.all([
        import('../prompts.ts'),
        import('../../model/index.ts'),
        import('../../run/find-model.ts'),
      ]);
      const prompts = await readPrompts(flags);
      const { folder } = await findModel(await localModel(flags.model));
      const model = await TextGenerator.load(folder, { threads: flags.threads });
      const requests = requestsFor(prompts, model, flags);
      if (flags.output !== undefined) await writeAll(model, requests, flags.output, json);
      else if (requests.length === 1 && !json) await streamOne(model, requests[0]);
      else await showAll(model, requests, json);
      await model.release();
    })
    .addHelpText(
      'after',
      '\nExamples:\n' +
        '  tenet generate -m runs/quickstart -p "How do I boil an egg?"\n' +
        '  tenet generate -m base-model -p "Once upon a time" --max-new-tokens 100 --stop "\\n\\n"\n' +
        '  tenet generate -m my-model -f prompts.jsonl -n 4 -o responses.jsonl',
    );
}

interface Request extends TextRequest {
  /** As it stood in the file. */
  readonly source: Content;
}

function requestsFor(prompts: readonly Content[], model: TextGenerator, flags: GenerateFlags): Request[] {
  const isChat = flags.chat ?? (model.template !== null && !model.template.isDefault);
  const system = flags.system === undefined ? [] : [{ role: 'system', content: flags.system }];
  const requests = prompts.flatMap((source) => {
    const messages =
      typeof source === 'string' ? (isChat ? [{ role: 'user', content: source }] : null) : source;
    const form = messages ? { messages: [...system, ...messages] } : { prompt: source as string };
    return Array.from({ length: flags.samples }, () => ({ source, ...form }));
  });
  return requests.map((request, i) => ({
    ...request,
    options: { ...textOptions(flags), seed: flags.seed + i },
  }));
}

/** Shows a response while it is written. */
async function streamOne(model: TextGenerator, request: Request): Promise<void> {
  const { styleText } = await import('node:util');
  // On a terminal the text that is continued is shown before its continuation.
  if (process.stdout.isTTY && typeof request.prompt === 'string')
    process.stdout.write(styleText('dim', request.prompt));
  const started = performance.now();
  const stream = model.stream(request);
  for await (const piece of stream) process.stdout.write(piece);
  process.stdout.write('\n');
  const { ids, finish } = await stream.result;
  if (!process.stderr.isTTY) return;
  const seconds = (performance.now() - started) / 1000;
  const why = finish === 'length' ? 'the limit was reached (--max-new-tokens)' : 'the model ended it';
  const summary = `${ids.length} tokens, ${(ids.length / seconds).toFixed(0)} per second; ${why}`;
  process.stderr.write(`${styleText('dim', summary)}\n`);
}

/** Answers all requests, many at a time, and shows the responses in order. */
async function showAll(model: TextGenerator, requests: readonly Request[], json: boolean): Promise<void> {
  const done = new Array<TextGeneration | undefined>(requests.length);
  let shown = 0;
  await model.generate(requests, {
    onFinish: (index, generation) => {
      done[index] = generation;
      for (; done[shown]; shown++) {
        process.stdout.write(format(requests[shown], done[shown]!, shown, requests.length, json));
      }
    },
  });
}

/** Answers all requests and writes prompts and responses to a data file, which appears when it is complete. */
async function writeAll(
  model: TextGenerator,
  requests: readonly Request[],
  output: string,
  json: boolean,
): Promise<void> {
  const { RecordWriter } = await import('../../data/index.ts');
  const writer = await RecordWriter.open(output); // a wrong name is known before the work
  try {
    let finished = 0;
    const results = await model.generate(requests, {
      onFinish: () => progress(++finished, requests.length),
    });
    for (const [i, result] of results.entries()) await writer.write(recordOf(requests[i], result));
    await writer.close();
  } catch (error) {
    await writer.abort();
    throw error;
  }
  const summary = { type: 'generate', output, responses: requests.length };
  process.stdout.write(json ? `${JSON.stringify(summary)}\n` : `${output}: ${requests.length} responses\n`);
}

/** A record of the prompt-completion format, with what else is known. */
function recordOf({ source }: Request, { text, finish, promptTokens, ids }: TextGeneration): object {
  const completion = typeof source === 'string' ? text : [{ role: 'assistant', content: text }];
  return { prompt: source, completion, finish, promptTokens, tokens: ids.length };
}

function format(
  request: Request,
  result: TextGeneration,
  index: number,
  total: number,
  json: boolean,
): string {
  if (json) return `${JSON.stringify({ type: 'generation', index, ...recordOf(request, result) })}\n`;
  const { source } = request;
  const prompt = typeof source === 'string' ? source : String(source.at(-1)?.content ?? '');
  const title = prompt.replace(/\s+/g, ' ').trim();
  const short = title.length > 70 ? `${title.slice(0, 69)}…` : title;
  return `── ${index + 1}/${total} ${short}\n${result.text}\n\n`;
}

function progress(finished: number, total: number): void {
  if (!process.stderr.isTTY) return;
  process.stderr.write(finished < total ? `\r${finished}/${total} responses` : '\r\x1b[2K');
}
