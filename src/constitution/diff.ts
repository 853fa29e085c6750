/** What changed between two constitutions, and by how much the version should rise. */
import type { Constitution, Principle } from './constitution.ts';
import { principleHash } from './content-hash.ts';

/** Semantic versioning of a constitution: see docs/constitution.md. */
export type Bump = 'none' | 'patch' | 'minor' | 'major';

/** A changed field. */
export interface FieldChange {
  /** As in the file: `text`, `critiqueRequest`, `priorities` … */
  readonly field: string;
  readonly before: string;
  readonly after: string;
}

export interface PrincipleChange {
  readonly id: string;
  /** `moved`: the same principle at another place. */
  readonly kind: 'added' | 'removed' | 'changed' | 'moved';
  readonly fields: readonly FieldChange[];
}

export interface ConstitutionDiff {
  /** Changes outside of principles. */
  readonly document: readonly FieldChange[];
  readonly principles: readonly PrincipleChange[];
  /** What the changes ask for: major where labels made before no longer hold, patch where they all do. */
  readonly bump: Bump;
  /** What the versions in the files say; null where one has none. */
  readonly versionBump: Bump | 'lower' | null;
}

/** Fields that change no label: people read them, or models as examples. */
const harmless = new Set([
  'title',
  'examples',
  'section',
  'name',
  'description',
  'sections',
  'critiqueExamples',
  'comparisonExamples',
]);
const grave = new Set(['hard', 'priorities', 'language']);
const order: readonly Bump[] = ['none', 'patch', 'minor', 'major'];

export function diffConstitutions(before: Constitution, after: Constitution): ConstitutionDiff {
  const document = (
    [
      ...(['name', 'description', 'language', 'preamble', 'priorities'] as const),
      ...(['sections', 'critiqueExamples', 'comparisonExamples'] as const),
    ] as const
  ).flatMap((field) => changeOf(field, before[field], after[field]));
  const principles = [...removed(before, after), ...addedOrChanged(before, after), ...moved(before, after)];
  const bumps = [
    ...document.map(({ field }) => bumpOf(field)),
    ...principles.flatMap(({ kind, fields }): Bump[] => {
      if (kind === 'removed') return ['major'];
      if (kind === 'added') return ['minor'];
      return kind === 'moved' ? ['patch'] : fields.map(({ field }) => bumpOf(field));
    }),
  ];
  const bump = bumps.reduce<Bump>(
    (most, next) => (order.indexOf(next) > order.indexOf(most) ? next : most),
    'none',
  );
  return { document, principles, bump, versionBump: versionBumpOf(before.version, after.version) };
}

function removed(before: Constitution, after: Constitution): PrincipleChange[] {
  return before.principles
    .filter(({ id }) => !find(after, id))
    .map(({ id }) => ({ id, kind: 'removed', fields: [] }));
}

function addedOrChanged(before: Constitution, after: Constitution): PrincipleChange[] {
  return after.principles.flatMap((principle): PrincipleChange[] => {
    const earlier = find(before, principle.id);
    if (!earlier) return [{ id: principle.id, kind: 'added', fields: [] }];
    if (principleHash(earlier) === principleHash(principle)) return [];
    const fields = (Object.keys(principle) as (keyof Principle)[]).flatMap((field) =>
      changeOf(field, earlier[field], principle[field]),
    );
    return [{ id: principle.id, kind: 'changed', fields }];
  });
}

/** Principles that stand before others that they stood behind. */
function moved(before: Constitution, after: Constitution): PrincipleChange[] {
  const common = after.principles.filter(({ id }) => find(before, id)).map(({ id }) => id);
  const earlier = before.principles.filter(({ id }) => common.includes(id)).map(({ id }) => id);
  return common.filter((id, i) => earlier[i] !== id).map((id) => ({ id, kind: 'moved', fields: [] }));
}

function find({ principles }: Constitution, id: string): Principle | undefined {
  return principles.find((principle) => principle.id === id);
}

function changeOf(field: string, before: unknown, after: unknown): FieldChange[] {
  const [a, b] = [before, after].map(asText);
  return a === b ? [] : [{ field, before: a, after: b }];
}

function asText(value: unknown): string {
  if (value === null || value === undefined) return '';
  if (typeof value === 'string') return value;
  const isTexts = Array.isArray(value) && value.every((item) => typeof item === 'string');
  return isTexts ? value.join(', ') : JSON.stringify(value);
}

function bumpOf(field: string): Bump {
  if (grave.has(field)) return 'major';
  return harmless.has(field) ? 'patch' : 'minor';
}

function versionBumpOf(before: string | null, after: string | null): Bump | 'lower' | null {
  if (before === null || after === null) return null;
  const [a, b] = [before, after].map((version) => version.split('-')[0].split('.').map(Number));
  const place = a.findIndex((number, i) => number !== b[i]);
  if (place < 0) return 'none';
  if (b[place] < a[place]) return 'lower';
  return (['major', 'minor', 'patch'] as const)[place];
}

/** A piece of a text as it was, is, or stays. */
export interface DiffPart {
  readonly kind: 'same' | 'removed' | 'added';
  readonly text: string;
}

/** The difference of two texts by words, from their longest common subsequence. */
export function diffWords(before: string, after: string): DiffPart[] {
  const [a, b] = [before, after].map((text) => text.match(/^\s+|\S+\s*/g) ?? []);
  // lengths[i][j]: longest common subsequence of a from i and b from j
  const lengths = Array.from({ length: a.length + 1 }, () => new Uint32Array(b.length + 1));
  for (let i = a.length - 1; i >= 0; i--) {
    for (let j = b.length - 1; j >= 0; j--) {
      lengths[i][j] =
        a[i] === b[j] ? lengths[i + 1][j + 1] + 1 : Math.max(lengths[i + 1][j], lengths[i][j + 1]);
    }
  }
  const parts: { kind: DiffPart['kind']; text: string }[] = [];
  const push = (kind: DiffPart['kind'], text: string): void => {
    const last = parts.at(-1);
    if (last?.kind === kind) last.text += text;
    else parts.push({ kind, text });
  };
  let [i, j] = [0, 0];
  while (i < a.length || j < b.length) {
    if (i < a.length && j < b.length && a[i] === b[j]) {
      push('same', a[i]);
      i++;
      j++;
    } else if (j >= b.length || (i < a.length && lengths[i + 1][j] >= lengths[i][j + 1]))
      push('removed', a[i++]);
    else push('added', b[j++]);
  }
  return parts;
}
