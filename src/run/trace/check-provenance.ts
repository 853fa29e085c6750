/** Compares what was recorded with what is there now. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { exists, hashFile, hashOf, TenetError } from '../../base/index.ts';
import { loadConstitution } from '../../constitution/index.ts';
import { loadModelFolder } from '../../model/index.ts';
import { checkSelection, openStore, redactUrl } from '../../store/index.ts';
import type { ProvenanceNode } from './provenance.ts';

/**
 * - `matches`: it hashes to what was recorded
 * - `differs`: it does not
 * - `missing`: it is not there any more
 * - `unchecked`: there is nothing to compare
 */
export interface Check {
  readonly status: 'matches' | 'differs' | 'missing' | 'unchecked';
  /** What was found instead, or why it could not be compared. */
  readonly reason?: string;
}

export type Checks = ReadonlyMap<string, Check>;

/** Checks every node that has a hash; by id. What labels consist of is checked with them, as one. */
export async function checkProvenance(root: ProvenanceNode): Promise<Checks> {
  const checks = new Map<string, Check>();
  const visit = async (node: ProvenanceNode): Promise<void> => {
    if (node.hash !== undefined) checks.set(node.id, await checkNode(node));
    if (node.kind !== 'labels') for (const child of node.children) await visit(child);
  };
  await visit(root);
  return checks;
}

async function checkNode(node: ProvenanceNode): Promise<Check> {
  const { kind, path, hash, labels } = node;
  if (path === undefined) return { status: 'unchecked', reason: 'recorded, but not where it is' };
  if (path.startsWith('sandbox:'))
    return { status: 'unchecked', reason: 'made anew from its seed in each run' };
  if (labels !== undefined) return checkLabels(node);
  const isBuiltIn = kind === 'constitution' && path === 'default';
  if (!isBuiltIn && !(await exists(path))) return { status: 'missing', reason: `${path} is not there` };
  try {
    switch (kind) {
      case 'model':
        return node.files ? await checkFiles(path, node.files) : compare(hash!, await hashOfWeights(path));
      case 'constitution':
        return compare(hash!, (await loadConstitution(path)).hash);
      case 'recipe':
        return compare(hash!, hashOf(await readFile(path, 'utf8')));
      default:
        return compare(hash!, await hashFile(path));
    }
  } catch (error) {
    if (!TenetError.is(error)) throw error;
    return { status: 'differs', reason: `it cannot be read: ${error.message}` };
  }
}

async function checkLabels({ labels }: ProvenanceNode): Promise<Check> {
  try {
    const store = await openStore(withPassword(labels!.url), { mustExist: true });
    try {
      const check = await checkSelection(store, labels!);
      return check.ok ? { status: 'matches' } : { status: 'differs', reason: check.reason };
    } finally {
      await store.close();
    }
  } catch (error) {
    if (!TenetError.is(error)) throw error;
    return { status: 'missing', reason: error.message };
  }
}

/** Records hold no passwords; the environment may know the one for this address. */
function withPassword(url: string): string {
  const known = process.env.TENET_STORE;
  return known !== undefined && redactUrl(known) === url ? known : url;
}

async function hashOfWeights(folder: string): Promise<string> {
  return (await loadModelFolder(folder)).parameters.hash();
}

async function checkFiles(folder: string, files: Readonly<Record<string, string>>): Promise<Check> {
  for (const [file, hash] of Object.entries(files)) {
    const path = join(folder, file);
    if (!(await exists(path))) return { status: 'missing', reason: `${path} is not there` };
    const check = compare(hash, await hashFile(path));
    if (check.status !== 'matches') return { ...check, reason: `${file}: ${check.reason}` };
  }
  return { status: 'matches' };
}

function compare(recorded: string, found: string): Check {
  if (recorded === found) return { status: 'matches' };
  return { status: 'differs', reason: `recorded ${recorded}, found ${found}` };
}
