/** The folder that constitutions lie in: which there are, what a text would be, and writing one. */
import { readdir, readFile, stat } from 'node:fs/promises';
import { basename, join, resolve } from 'node:path';
import { hashOf, TenetError, writeFileAtomic } from '../base/index.ts';
import {
  type Constitution,
  type ConstitutionDiff,
  DEFAULT_CONSTITUTION,
  diffConstitutions,
  type Finding,
  lintConstitution,
  parseConstitution,
} from '../constitution/index.ts';
import { HttpError } from './http/http-error.ts';

export interface ConstitutionFile {
  readonly name: string;
  readonly text: string;
  /** Hash of the text; who saves says which text the change was made to. */
  readonly textHash: string;
  /** True for the one that comes with Tenet. */
  readonly readOnly: boolean;
}

/** What a text is as a constitution. */
export interface CheckedText {
  readonly constitution: Constitution | null;
  /** Why it is none, by place in the file. */
  readonly problems: readonly { readonly place: string; readonly message: string }[];
  readonly findings: readonly Finding[];
}

const fileName = /^[A-Za-z0-9][A-Za-z0-9._-]{0,100}\.(md|markdown|ya?ml|json)$/;
const builtIn = basename(DEFAULT_CONSTITUTION);

export class ConstitutionsFolder {
  readonly path: string;
  /** Ends with the last write that has begun. */
  private writing: Promise<unknown> = Promise.resolve();

  constructor(path: string) {
    this.path = resolve(path);
  }

  /** Own files by name; Tenet's first, unless there is one of the same name. */
  async list(): Promise<ConstitutionFile[]> {
    const entries = await readdir(this.path).catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return [];
      throw error;
    });
    const names = entries.filter((name) => fileName.test(name)).sort();
    const all = names.includes(builtIn) ? names : [builtIn, ...names];
    return Promise.all(all.map((name) => this.read(name)));
  }

  /** @throws HttpError for a name that is not one, or of no file */
  async read(name: string): Promise<ConstitutionFile> {
    checkName(name);
    const own = await textOf(join(this.path, name));
    if (own !== null) return { name, text: own, textHash: hashOf(own), readOnly: false };
    const text = name === builtIn ? await textOf(DEFAULT_CONSTITUTION) : null;
    if (text === null)
      throw new HttpError('not-found', `There is no constitution "${name}" in ${this.path}.`);
    return { name, text, textHash: hashOf(text), readOnly: true };
  }

  /**
   * Writes a constitution.
   * @param before hash of the text that was changed; null for a new file
   * @throws HttpError when the text is no constitution, or somebody else has changed the file meanwhile
   */
  async write(name: string, text: string, before: string | null): Promise<ConstitutionFile> {
    checkName(name);
    const { problems } = checkText(name, text);
    if (problems.length > 0) {
      throw new HttpError('invalid', problems.map(({ place, message }) => `${place}: ${message}`).join('\n'));
    }
    // One after the other: two who save at once must not both find the file as they knew it.
    const written = this.writing.then(() => this.replace(name, text, before));
    this.writing = written.catch(() => undefined);
    return written;
  }

  private async replace(name: string, text: string, before: string | null): Promise<ConstitutionFile> {
    const own = await textOf(join(this.path, name));
    if ((own === null ? null : hashOf(own)) !== before) {
      throw new HttpError(
        'conflict',
        own === null
          ? `There is no ${name} to change (Tenet's own is not changed): save it under another name.`
          : `${name} has been changed by somebody else since; look at it before you save yours, or save under another name.`,
      );
    }
    await writeFileAtomic(join(this.path, name), text);
    return { name, text, textHash: hashOf(text), readOnly: false };
  }
}

export function checkText(name: string, text: string): CheckedText {
  try {
    const constitution = parseConstitution(text, name);
    return { constitution, problems: [], findings: lintConstitution(constitution) };
  } catch (error) {
    if (!TenetError.is(error)) throw error;
    const known = error.details.problems as CheckedText['problems'] | undefined;
    return { constitution: null, problems: known ?? [{ place: name, message: error.message }], findings: [] };
  }
}

/** What changed between two texts; null where one of them is no constitution. */
export function diffTexts(name: string, before: string, after: string): ConstitutionDiff | null {
  const [a, b] = [before, after].map((text) => checkText(name, text).constitution);
  return a && b ? diffConstitutions(a, b) : null;
}

function checkName(name: string): void {
  if (fileName.test(name)) return;
  throw new HttpError('invalid', `${JSON.stringify(name)} is not the name of a .md, .yaml or .json file.`);
}

async function textOf(path: string): Promise<string | null> {
  try {
    if (!(await stat(path)).isFile()) return null;
    return await readFile(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
}
