/** Draws a provenance as a tree of lines. */
import { shortHash } from '../../constitution/index.ts';
import type { Check, Checks } from './check-provenance.ts';
import type { ProvenanceNode } from './provenance.ts';

const marks: Readonly<Record<Check['status'], string>> = {
  matches: '✓',
  differs: '✗',
  missing: '?',
  unchecked: '·',
};

/** Principles of one set of labels that are drawn; the others are counted. */
const shownPrinciples = 8;

/**
 * @param checks what was found; null: nothing was checked
 * @returns lines without line ends
 */
export function formatProvenance(root: ProvenanceNode, checks: Checks | null): string[] {
  const titles = new Map<string, string>();
  const remember = (node: ProvenanceNode): void => {
    titles.set(node.id, `${node.kind} ${node.name}`);
    node.children.forEach(remember);
  };
  remember(root);

  const lines: string[] = [];
  const draw = (node: ProvenanceNode, before: string, branch: string): void => {
    const indent = before + (branch === '' ? '' : branch === '├─ ' ? '│  ' : '   ');
    const check = checks?.get(node.id);
    const what =
      node.kind === 'reference'
        ? `${titles.get(node.name) ?? node.name}, see there`
        : [`${node.kind} ${node.name}`, ...node.facts].join(' · ');
    const hash =
      node.hash === undefined ? '' : `  ${shortHash(node.hash)}${check ? ` ${marks[check.status]}` : ''}`;
    lines.push(`${before}${branch}${node.role ? `${node.role}: ` : ''}${what}${hash}`);
    if (check && (check.status === 'differs' || check.status === 'missing')) {
      lines.push(`${indent}${node.children.length > 0 ? '│' : ' '}  ${marks[check.status]} ${check.reason}`);
    }
    const children = drawnChildren(node);
    for (const [i, child] of children.entries()) {
      draw(child, indent, i === children.length - 1 ? '└─ ' : '├─ ');
    }
  };
  draw(root, '', '');
  return lines;
}

/** `12 hashes match, 1 differs, 2 cannot be checked.` */
export function summariseChecks(checks: Checks): string {
  const count = (status: Check['status']): number =>
    [...checks.values()].filter((check) => check.status === status).length;
  const matches = count('matches');
  const parts = [`${matches} ${matches === 1 ? 'hash matches' : 'hashes match'}`];
  const [differs, missing, unchecked] = [count('differs'), count('missing'), count('unchecked')];
  if (differs > 0) parts.push(`${differs} ${differs === 1 ? 'differs' : 'differ'} (✗)`);
  if (missing > 0) parts.push(`${missing} ${missing === 1 ? 'is' : 'are'} of what is not there any more (?)`);
  if (unchecked > 0) parts.push(`${unchecked} cannot be checked (·)`);
  return `${parts.join(', ')}.`;
}

function drawnChildren({ id, children }: ProvenanceNode): readonly ProvenanceNode[] {
  const principles = children.filter(({ kind }) => kind === 'principle');
  if (principles.length <= shownPrinciples) return children;
  const hidden = new Set(principles.slice(shownPrinciples - 1));
  const rest: ProvenanceNode = {
    id: `${id} rest`,
    kind: 'principle',
    name: `and ${hidden.size} more`,
    facts: [],
    children: [],
  };
  return [...children.filter((child) => !hidden.has(child)), rest];
}
