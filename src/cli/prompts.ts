/** Where `tenet generate` takes its prompts from. */
import { text } from 'node:stream/consumers';
import { TenetError } from '../base/error.ts';
import type { Content, Example } from '../data/index.ts';

/**
 * The prompts of the command line: one given as text, those of a data file, or what is piped in.
 * @throws TenetError('usage') when there is none, or two sources
 */
export async function readPrompts(from: {
  readonly prompt?: string;
  readonly file?: string;
}): Promise<Content[]> {
  if (from.prompt !== undefined && from.file !== undefined) {
    throw new TenetError('usage', 'Give --prompt or --file, not both.');
  }
  if (from.prompt !== undefined) return [from.prompt];
  if (from.file !== undefined) return promptsOfFile(from.file);
  if (process.stdin.isTTY) {
    throw new TenetError(
      'usage',
      'There is nothing to answer. Give --prompt TEXT or --file FILE, or pipe a text in.',
    );
  }
  const piped = (await text(process.stdin)).replace(/\r?\n$/, ''); // what echo and editors add
  if (piped === '')
    throw new TenetError('usage', 'Standard input is empty. Give --prompt TEXT or --file FILE.');
  return [piped];
}

async function promptsOfFile(path: string): Promise<Content[]> {
  const { examplesOf, readRecords } = await import('../data/index.ts');
  const prompts: Content[] = [];
  const isText = /\.txt(\.gz)?$/.test(path); // each line a prompt
  for await (const { record, format } of readRecords(path, isText ? { format: 'prompt-only' } : {})) {
    for (const example of examplesOf(record, format)) prompts.push(await promptOfAny(example));
  }
  if (prompts.length === 0) throw new TenetError('data', `${path} holds no prompts.`);
  return prompts;
}

/** Also of a whole text, which is continued, and of a conversation, whose last reply is written anew. */
async function promptOfAny(example: Example): Promise<Content> {
  const { promptOf, splitLastTurn } = await import('../data/index.ts');
  if (example.kind === 'text') return example.text;
  if (example.kind === 'chat') return splitLastTurn(example.messages).prompt;
  return promptOf(example);
}
