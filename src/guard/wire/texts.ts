/** The texts in a message or an answer of any form: whatever is text is screened, also in fields that nobody foresaw. */
import { type GuardRules, refusesOtherContent } from '../policy/policy.ts';
import { unreadable } from './wire-error.ts';

/** A text and where it stands, such as `content` or `tool_calls.0.function.arguments`. */
export type PlacedText = readonly [place: string, text: string];

/** Fields that name things. A name has no white space; what has is a text, wherever somebody put it. */
const names = new Set([
  ...['role', 'id', 'type', 'index', 'object', 'finish_reason', 'tool_call_id'],
  // Opaque to everybody but the provider.
  ...['encrypted_content', 'signature', 'thought_signature'],
]);
/** Fields in which content stands that is no text. */
const otherContent = new Set([
  'image_url',
  'image_embeds',
  'input_audio',
  'audio',
  'audio_url',
  'images',
  'video_url',
  'file',
  'file_data',
  'b64_json',
]);
/** Types of parts that are no text, whatever the field is called that holds it: `file`, `input_image`, `image-data`. */
const otherType = /^(?:input_)?(?:image|audio|video|file|media)(?:$|[-_])|^base64$/;

/**
 * Every text in a value, in order. Entries of a list with an `index` are placed by it, as in streams of tool calls.
 * @param data fields that hold data or addresses, in which only what has white space is a text
 */
export function textsOf(
  value: unknown,
  data: ReadonlySet<string> = otherContent,
): Generator<PlacedText, void, undefined> {
  return walk(value, '', false);

  function* walk(value: unknown, place: string, isData: boolean): Generator<PlacedText, void, undefined> {
    if (typeof value === 'string') {
      if (value !== '' && !(isData && !hasGap(value))) yield [place, value];
    } else if (Array.isArray(value)) {
      for (const [i, entry] of value.entries()) {
        const { index = i } = (entry ?? {}) as { index?: unknown };
        yield* walk(entry, `${place}.${String(index)}`, isData);
      }
    } else if (typeof value === 'object' && value !== null) {
      for (const [key, entry] of Object.entries(value)) {
        const at = place === '' ? key : `${place}.${key}`;
        // Models are shown the keys of schemas too.
        if (hasGap(key)) yield [at, key];
        yield* walk(entry, at, isData || data.has(key) || (names.has(key) && typeof entry === 'string'));
      }
    }
  }
}

function hasGap(text: string): boolean {
  return /\s/.test(text);
}

/** The first place with content that is no text, such as `content.1.image_url`; null where all is text. */
export function otherContentIn(value: unknown, place = ''): string | null {
  if (typeof value !== 'object' || value === null) return null;
  for (const [key, entry] of Object.entries(value)) {
    const at = place === '' ? key : `${place}.${key}`;
    if (otherContent.has(key) && entry !== null && entry !== undefined) return at;
    const inside = otherContentIn(entry, at);
    if (inside !== null) return inside;
  }
  const { type } = value as { type?: unknown };
  return typeof type === 'string' && otherType.test(type) ? place : null;
}

/** @throws WireError 400 for content that is no text, where the rules do not let it pass */
export function refuseUnreadable(value: unknown, name: string, rules: GuardRules): void {
  if (!refusesOtherContent(rules)) return;
  const place = otherContentIn(value, name);
  if (place !== null) throw unreadable(place);
}

/** True for text that is JSON itself, in which letters may be written as escapes. */
export function isJsonText(place: string): boolean {
  return place === 'arguments' || place.endsWith('.arguments');
}

/** Reads JSON text in pieces as a person would: `\u0062omb` is `bomb`. */
export class JsonTextReader {
  private rest = '';

  /** True: an escape has begun that the next piece ends. */
  get isWithinEscape(): boolean {
    return this.rest !== '';
  }

  read(piece: string): string {
    const text = this.rest + piece;
    const cut = /\\(?:u[0-9a-fA-F]{0,3})?$/.exec(text.replaceAll('\\\\', '__'))?.[0].length ?? 0;
    this.rest = cut === 0 ? '' : text.slice(-cut);
    return text
      .slice(0, text.length - cut)
      .replace(/\\(?:u([0-9a-fA-F]{4})|([^u]))/g, (_, code?: string, letter?: string) =>
        code === undefined ? (escapes[letter!] ?? letter!) : String.fromCharCode(Number.parseInt(code, 16)),
      );
  }
}

const escapes: Readonly<Record<string, string>> = { n: '\n', t: '\t', r: '\r', b: ' ', f: '\n' };
