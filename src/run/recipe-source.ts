/** The text of a recipe: YAML whose every value can be found again by line and column, plus overrides. */
import { isMap, isSeq, LineCounter, type Node, parse, parseDocument } from 'yaml';
import { nearest } from '../base/index.ts';
import { childOf, knownKeys, type Path, type Schema } from './schema-walk.ts';

/** Something wrong with a recipe, and where. */
export interface RecipeProblem {
  /** `recipe.yaml:12:5`, or the override such as `--set ppo.klCoef=high`. */
  readonly place: string;
  readonly message: string;
}

/** Short first words of override paths, e.g. `{ ppo: ['stages', 2] }`. */
export type Shortcuts = Readonly<Record<string, Path>>;

/** A recipe as read, before it is checked against a schema. */
export interface RecipeSource {
  /** The data, overrides applied. */
  readonly value: unknown;
  readonly problems: RecipeProblem[];
  /** Where a value stands, or its nearest parent; with `key`, where the key itself stands. */
  place(path: Path, key?: string): string;
}

export interface ParseSourceOptions {
  /** The file's name, for messages. */
  readonly file: string;
  readonly schema: Schema;
  /** Overrides as `dotted.path=value`, the value as YAML. */
  readonly set: readonly string[];
  readonly shortcuts: (value: unknown) => Shortcuts;
}

export function parseSource(text: string, options: ParseSourceOptions): RecipeSource {
  const { file } = options;
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false });
  const at = (offset: number): string => {
    const { line, col } = lines.linePos(offset);
    return `${file}:${line}:${col}`;
  };
  const problems: RecipeProblem[] = [...document.errors, ...document.warnings].map((error) => ({
    place: at(error.pos[0]),
    message: error.message.split('\n')[0],
  }));
  if (problems.length > 0) return { value: undefined, problems, place: () => file };

  let value: unknown;
  try {
    value = JSON.parse(JSON.stringify(document.toJS() ?? {})); // a copy in which aliases share nothing
  } catch (error) {
    // An alias that stands inside the value it names, or aliases that multiply without end.
    const reason = (error as Error).message.split('\n')[0];
    problems.push({ place: file, message: `its aliases cannot be resolved: ${reason}.` });
    return { value: undefined, problems, place: () => file };
  }
  const overrides: { path: Path; place: string }[] = [];
  for (const override of options.set) {
    const place = `--set ${override}`;
    const outcome = applyOverride(value, override, options);
    if ('message' in outcome) problems.push({ place, message: outcome.message });
    else overrides.push({ path: outcome.path, place });
  }

  const placeInFile = (path: Path, key?: string): string => {
    let node: unknown = document.contents;
    let offset = (node as Node | null)?.range?.[0] ?? 0;
    for (const step of key === undefined ? path : [...path, key]) {
      if (isMap(node)) {
        const pair = node.items.find((item) => (item.key as { value?: unknown } | null)?.value === step);
        if (!pair) break;
        // Point at the value where it has one, at the key where the key itself is meant or nothing follows.
        const target = (
          key !== undefined || !(pair.value as Node | null)?.range ? pair.key : pair.value
        ) as Node;
        offset = target.range?.[0] ?? offset;
        node = pair.value;
      } else if (isSeq(node) && node.items[Number(step)]) {
        node = node.items[Number(step)];
        offset = (node as Node).range?.[0] ?? offset;
      } else break;
    }
    return at(offset);
  };
  const place = (path: Path, key?: string): string => {
    const full = key === undefined ? path : [...path, key];
    const override = overrides.findLast((o) => o.path.every((step, i) => String(full[i]) === String(step)));
    return override?.place ?? placeInFile(path, key);
  };
  return { value, problems, place };
}

type Container = Record<string | number, unknown>;

/** Sets one value in `root`, which is changed in place; the answer is the full path, or what is wrong. */
function applyOverride(
  root: unknown,
  override: string,
  { schema, shortcuts }: ParseSourceOptions,
): { path: Path } | { message: string } {
  const equals = override.indexOf('=');
  if (equals < 1) return { message: 'has no value; write it as --set path.to.option=value.' };
  let steps: (string | number)[] = override.slice(0, equals).trim().split('.');
  let value: unknown;
  try {
    value = parse(override.slice(equals + 1), { logLevel: 'error' });
  } catch (error) {
    return { message: `the value is not YAML: ${(error as Error).message.split('\n')[0]}` };
  }

  const short = shortcuts(root);
  const isKey = knownKeys(schema, root)?.includes(String(steps[0])) ?? true;
  const [first] = steps;
  const named: Path = !isKey && Object.hasOwn(short, first) ? short[first] : [first];
  steps = [...named, ...steps.slice(1)];

  // First follow the path through the schema, so that a wrong one changes nothing; then set the value.
  let [target, targetSchema]: [unknown, Schema] = [root, schema];
  for (const [depth, step] of steps.entries()) {
    // As the user wrote it: `ppo`, not `stages.4`.
    const where = depth === 0 ? 'the recipe' : [first, ...steps.slice(named.length, depth)].join('.');
    if (Array.isArray(target) && !(Number(step) < target.length)) {
      return { message: `${where} has ${target.length} items, counted from 0; there is no item "${step}".` };
    }
    const child = step === '__proto__' ? undefined : childOf(targetSchema, target, step);
    if (!child) {
      const known = [...(knownKeys(targetSchema, target) ?? []), ...(depth === 0 ? Object.keys(short) : [])];
      return { message: unknownKey(String(step), known, where) };
    }
    [target, targetSchema] = [(target as Container)[step] ?? {}, child];
  }
  let parent = root as Container;
  for (const step of steps.slice(0, -1)) {
    if (typeof parent[step] !== 'object' || parent[step] === null) parent[step] = {};
    parent = parent[step] as Container;
  }
  parent[steps[steps.length - 1]] = value;
  return { path: steps };
}

/** The message for a key that a schema does not know, with the nearest one that it does. */
export function unknownKey(key: string, known: readonly string[], where: string): string {
  const guess = nearest(key, known);
  if (guess) return `unknown option "${key}" in ${where}; did you mean "${guess}"?`;
  if (known.length === 0) return `unknown option "${key}": ${where} has no options.`;
  return `unknown option "${key}" in ${where}; known: ${known.join(', ')}.`;
}
