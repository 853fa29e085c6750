/** The options that commands share that put many questions to language models. */
import { type Command, InvalidArgumentError } from 'commander';
import type { Budget, CallTally, LanguageModel, OpenModelOptions } from '../llm/index.ts';
import type { Store } from '../store/index.ts';
import { count, positive } from './flag-values.ts';
import { localModel } from './hub-input.ts';
import { storeOption } from './store-option.ts';

export interface AskFlags {
  readonly store: string;
  readonly budget?: number;
  readonly budgetTokens?: number;
  readonly price?: { readonly input: number; readonly output: number };
  readonly concurrency?: number;
  readonly threads?: number;
}

/** What models are called, in the words of help texts. */
export const modelForms =
  'local:<model or run folder>, openai:<model>, anthropic:<model> or openai-compatible:<model>@<address>';

/** Adds them to a command. */
export function withAskFlags(command: Command): Command {
  return command
    .addOption(storeOption())
    .option('--budget <dollars>', 'stop before this command has spent more', positive)
    .option(
      '--budget-tokens <n>',
      'stop before this command has used more tokens, input and output together',
      positive,
    )
    .option(
      '--price <input,output>',
      'US dollars for a million tokens, of models whose list price is not known',
      toPrice,
    )
    .option('--concurrency <n>', 'items under way at once (default: 32)', count)
    .option('--threads <n>', 'threads of the engine for local models (default: all cores)', count);
}

/** Store and models of a command, opened together and closed together. */
export interface AskSession {
  readonly store: Store;
  /** What was asked and paid for by this command. */
  readonly tally: CallTally;
  /** Opens a model by its name; the same name gives the same model. */
  open(spec: string): Promise<LanguageModel>;
  close(): Promise<void>;
}

/** @throws TenetError('usage') for a name that is none, or a budget in dollars without a price */
export async function openAskSession(flags: AskFlags): Promise<AskSession> {
  const [{ Budget, CallTally, openModel }, { openStore }] = await Promise.all([
    import('../llm/index.ts'),
    import('../store/index.ts'),
  ]);
  const { budget: usd, budgetTokens: tokens, price, threads } = flags;
  const isLimited = usd !== undefined || tokens !== undefined;
  const budget: Budget | undefined = isLimited ? new Budget({ usd, tokens }) : undefined;
  const tally = new CallTally();
  const store = await openStore(flags.store);
  const models = new Map<string, LanguageModel>();
  return {
    store,
    tally,
    async open(spec) {
      const { resolveModelSpec } = await import('../run/resolve-model-spec.ts');
      const name = await resolveModelSpec(await localModel(spec));
      const known = models.get(name);
      if (known) return known;
      // What a local model says is kept in the ledger, and costs nothing to say again.
      const options: OpenModelOptions = {
        ...(!name.startsWith('local:') && { cache: store.calls }),
        ...(price && { prices: { '*': price } }),
        engine: { threads },
        budget,
        onCall: tally.add,
      };
      const model = await openModel(name, options);
      models.set(name, model);
      return model;
    },
    async close() {
      for (const model of models.values()) await model.close();
      await store.close();
    },
  };
}

/** `$0.42 for 1,234 calls`, and what of it was not paid for. */
export function describeTally({
  calls,
  cached,
  failed,
  costUsd,
  unpriced,
  inputTokens,
  outputTokens,
}: CallTally): string {
  const number = (value: number): string => value.toLocaleString('en-US');
  const rest = [
    cached > 0 ? `${number(cached)} from the cache` : '',
    failed > 0 ? `${number(failed)} failed` : '',
  ];
  const notes = rest.filter((note) => note !== '').join(', ');
  const money = costUsd > 0 ? `, $${costUsd.toFixed(4)}` : '';
  const unknown = unpriced > 0 ? `, ${number(unpriced)} calls without a known price` : '';
  return `${number(calls)} calls${notes && ` (${notes})`}, ${number(inputTokens)} tokens read, ${number(outputTokens)} written${money}${unknown}`;
}

function toPrice(value: string): { input: number; output: number } {
  const [input, output, more] = value.split(',').map(Number);
  if (more !== undefined || !(input >= 0 && output >= 0)) {
    throw new InvalidArgumentError('Give two numbers, such as 0.40,1.60.');
  }
  return { input, output };
}
