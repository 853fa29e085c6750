/** The README.md of a saved model: what it is, what it was made from, and how, with hashes and metrics. */
import { stringify } from 'yaml';
import type { ModelHead } from './architectures.ts';
import { type RewardHeads, singleHead } from './reward-heads.ts';

/** Data that a stage read. */
export interface CardData {
  readonly name: string;
  /** `sha256:…` of the content. */
  readonly hash: string;
  readonly rows?: number;
}

/** One stage of the model's making, in order of execution. */
export interface CardStage {
  /** `pretrain`, `sft`, `reward`, `ppo` … */
  readonly name: string;
  readonly description?: string;
  readonly data: readonly CardData[];
  /** Settings that shape the result (learning rate, epochs, KL coefficient …). */
  readonly settings: Readonly<Record<string, string | number | boolean | null>>;
  /** Results by name; units belong in the name. */
  readonly metrics: Readonly<Record<string, number>>;
}

/** What a model card says. */
export interface ModelCard {
  /** The title. */
  readonly name: string;
  /** One paragraph: what the model is for and what it is not for. */
  readonly summary: string;
  /** SPDX id in lower case as the Hub spells it, e.g. `apache-2.0`; left out when unknown. */
  readonly license?: string;
  /** Hub id or name of the model this one was trained from; left out for a model from scratch. */
  readonly baseModel?: string;
  /** ISO 639-1 codes. */
  readonly language?: readonly string[];
  /** Besides `tenet`. */
  readonly tags?: readonly string[];
  readonly stages: readonly CardStage[];
  /** Known limits and risks. */
  readonly limitations?: string;
  readonly tenetVersion?: string;
}

/**
 * Writes the card: YAML front matter as the Hugging Face Hub reads it, then Markdown.
 * @param facts what only the saver knows: the head, and the hash of the weights as held in memory.
 */
export function renderModelCard(
  card: ModelCard,
  facts: { head: ModelHead; heads?: RewardHeads; weightsHash: string; isAdapter?: boolean },
): string {
  const frontMatter = stringify({
    ...(card.license && { license: card.license }),
    ...(card.baseModel && isHubId(card.baseModel) && { base_model: card.baseModel }),
    ...(card.language?.length && { language: [...card.language] }),
    library_name: facts.isAdapter ? 'peft' : 'transformers',
    pipeline_tag: facts.head === 'reward' ? 'text-classification' : 'text-generation',
    tags: ['tenet', ...(facts.head === 'reward' ? ['reward-model'] : []), ...(card.tags ?? [])],
  });
  const use =
    facts.head === 'reward'
      ? rewardUse(facts.heads ?? singleHead)
      : 'Loads with `AutoModelForCausalLM` of Hugging Face transformers and with Tenet.';
  const sections = [
    `# ${card.name}`,
    card.summary,
    use,
    ...(facts.isAdapter ? [adapterUse] : []),
    '## How it was made',
    [
      `- Trained with Tenet${card.tenetVersion ? ` ${card.tenetVersion}` : ''}`,
      `- Base model: ${card.baseModel ? `\`${card.baseModel}\`` : 'none, trained from scratch'}`,
      `- Weights (float32, before any rounding to the stored type): \`${facts.weightsHash}\``,
    ].join('\n'),
    ...card.stages.flatMap(renderStage),
    ...(card.limitations ? ['## Limitations', card.limitations] : []),
  ];
  return `---\n${frontMatter}---\n\n${sections.join('\n\n')}\n`;
}

const adapterUse =
  'An adapter: it needs the model that `base.json` and `adapter_config.json` name, and loads with `peft` and with ' +
  'Tenet, whose `tenet export --merge` makes a model of both.';

/** The card of an adapter as that of the model that merging it has made. @param weightsHash of that model */
export function mergedCard(card: string, weightsHash: string): string {
  return card
    .replace('library_name: peft', 'library_name: transformers')
    .replace(`${adapterUse}\n\n`, '')
    .replace(/^(- Weights .*: )`sha256:[0-9a-f]+`$/m, `$1\`${weightsHash}\``);
}

function rewardUse({ kind, names }: RewardHeads): string {
  const use = 'A reward model: `AutoModelForSequenceClassification` gives';
  if (kind === 'single') return `${use} one logit per sequence, higher is better.`;
  const list = names.map((name) => `\`${name}\``).join(', ');
  return kind === 'objectives'
    ? `${use} a logit per sequence for each objective, higher is better: ${list}.`
    : `${use} ${names.length} opinions of one score per sequence, higher is better; how far they differ tells how sure they are.`;
}

function renderStage(stage: CardStage, index: number): string[] {
  return [
    `### ${index + 1}. ${stage.name}`,
    ...(stage.description ? [stage.description] : []),
    ...table(
      ['data', 'rows', 'hash'],
      stage.data.map(({ name, rows, hash }) => [name, rows === undefined ? '' : String(rows), `\`${hash}\``]),
    ),
    ...table(
      ['setting', 'value'],
      Object.entries(stage.settings).map(([name, value]) => [name, String(value)]),
    ),
    ...table(
      ['metric', 'value'],
      Object.entries(stage.metrics).map(([name, value]) => [name, formatNumber(value)]),
    ),
  ];
}

/** A Markdown table, or nothing when it would have no rows. */
function table(head: readonly string[], rows: readonly (readonly string[])[]): string[] {
  if (rows.length === 0) return [];
  const line = (cells: readonly string[]): string =>
    `| ${cells.map((cell) => cell.replaceAll('|', '\\|').replaceAll('\n', ' ')).join(' | ')} |`;
  return [[line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n')];
}

function formatNumber(value: number): string {
  return Number.isInteger(value) ? String(value) : String(Number(value.toPrecision(4)));
}

/** `name` or `owner/name`: the Hub refuses anything else, and a local path is nobody's business. */
function isHubId(name: string): boolean {
  return /^[\w-][\w.-]*(\/[\w-][\w.-]*)?$/.test(name);
}
