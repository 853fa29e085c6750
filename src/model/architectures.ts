/** The Hugging Face model classes that Tenet reads and writes, by family and by what sits on the decoder. */
import { nearest, TenetError } from '../base/error.ts';
import type { DecoderFamily } from './decoder-config.ts';

/** What sits on the decoder: next-token logits, or scores per sequence (`score.weight`, usually one). */
export type ModelHead = 'causal' | 'reward';

interface FamilyNames {
  /** Class names as in `architectures` of a configuration. */
  readonly causal: string;
  readonly reward: string;
  /** The bare decoder, without a head. */
  readonly base: string;
  /** What the decoder's tensors start with in a file saved together with a head. */
  readonly prefix: string;
}

const namesOf: Readonly<Record<DecoderFamily, FamilyNames>> = {
  llama: named('Llama', 'model.'),
  mistral: named('Mistral', 'model.'),
  qwen2: named('Qwen2', 'model.'),
  qwen3: named('Qwen3', 'model.'),
  gpt2: { ...named('GPT2', 'transformer.'), causal: 'GPT2LMHeadModel' },
  gpt_neox: named('GPTNeoX', 'gpt_neox.'),
};

function named(stem: string, prefix: string): FamilyNames {
  return {
    causal: `${stem}ForCausalLM`,
    reward: `${stem}ForSequenceClassification`,
    base: `${stem}Model`,
    prefix,
  };
}

/** Every supported `model_type`. */
export const decoderFamilies = Object.keys(namesOf) as readonly DecoderFamily[];

/** What the decoder's tensor names start with: `model.`, `transformer.` or `gpt_neox.`. */
export function tensorPrefix(family: DecoderFamily): string {
  return namesOf[family].prefix;
}

/** The class name to write into `architectures`. */
export function architectureName(family: DecoderFamily, head: ModelHead): string {
  return namesOf[family][head];
}

/** The head that a configuration names; null for the bare decoder or when it names no architecture. */
export function headOf(source: Readonly<Record<string, unknown>>): ModelHead | null {
  const [name] = architecturesOf(source);
  for (const names of Object.values(namesOf)) {
    if (name === names.causal) return 'causal';
    if (name === names.reward) return 'reward';
  }
  return null;
}

/**
 * The family a configuration belongs to, by `model_type`, else by `architectures`.
 * @throws TenetError('model') with the supported ones and the nearest when it is none of them.
 */
export function familyOf(source: Readonly<Record<string, unknown>>, path: string): DecoderFamily {
  const [architecture] = architecturesOf(source);
  const byArchitecture = decoderFamilies.find((family) =>
    Object.values(namesOf[family]).includes(architecture ?? ''),
  );
  const type = source.model_type;
  if (typeof type !== 'string') {
    if (byArchitecture) return byArchitecture;
    throw unsupported(path, 'model_type', type, decoderFamilies);
  }
  const family = decoderFamilies.find((known) => known === type);
  if (!family) throw unsupported(path, 'model_type', type, decoderFamilies);
  if (architecture !== undefined && byArchitecture !== family) {
    const { causal, reward, base } = namesOf[family];
    throw unsupported(path, `architecture for ${family}`, architecture, [causal, reward, base]);
  }
  return family;
}

function architecturesOf(source: Readonly<Record<string, unknown>>): string[] {
  const { architectures } = source;
  return Array.isArray(architectures) ? architectures.filter((name) => typeof name === 'string') : [];
}

function unsupported(path: string, what: string, value: unknown, known: readonly string[]): TenetError {
  const near = typeof value === 'string' ? nearest(value, known) : undefined;
  const shown = value === undefined ? 'is missing' : `${JSON.stringify(value)} is not supported`;
  return new TenetError(
    'model',
    `${path}: ${what} ${shown}. Supported: ${known.join(', ')}.${near ? ` Did you mean ${near}?` : ''}`,
    { details: { path, value } },
  );
}
