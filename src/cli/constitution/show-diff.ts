/** `tenet constitution diff`. */
import {
  type Constitution,
  type ConstitutionDiff,
  diffWords,
  type FieldChange,
  type PrincipleChange,
  shortHash,
} from '../../constitution/index.ts';
import { bold, dim, green, plural, red, wrap, yellow } from './text.ts';

export function showDiff(before: Constitution, after: Constitution, diff: ConstitutionDiff): string {
  const label = ({ name, version, hash }: Constitution): string =>
    `${name}${version === null ? '' : ` ${version}`} ${dim(shortHash(hash))}`;
  const lines = [`${label(before)}  →  ${label(after)}`];
  for (const change of diff.document) lines.push('', bold(change.field), ...changeLines(change));
  const moved = diff.principles.filter(({ kind }) => kind === 'moved');
  for (const change of diff.principles.filter(({ kind }) => kind !== 'moved')) {
    lines.push('', ...principleLines(change, before, after));
  }
  if (moved.length > 0) lines.push('', wrap(`moved: ${moved.map(({ id }) => id).join(', ')}`));
  lines.push('', versionLine(before, after, diff));
  return `${lines.join('\n')}\n`;
}

function principleLines(
  { id, kind, fields }: PrincipleChange,
  before: Constitution,
  after: Constitution,
): string[] {
  const textOf = ({ principles }: Constitution): string =>
    principles.find((one) => one.id === id)?.text ?? '';
  if (kind === 'added') return [green(`+ ${id}`), wrap(textOf(after), '  ')];
  if (kind === 'removed') return [red(`− ${id}`), wrap(textOf(before), '  ')];
  return [bold(id), ...fields.flatMap((change) => [`  ${change.field}`, ...changeLines(change, '    ')])];
}

/** Both texts in one: `[-removed-]` and `{+added+}` where there is no colour. */
function changeLines({ before, after }: FieldChange, indent = '  '): string[] {
  if (before.startsWith('[{') || after.startsWith('[{')) {
    return [
      `${indent}${dim(`${plural(sizeOf(before), 'entry', 'entries')} → ${plural(sizeOf(after), 'entry', 'entries')}`)}`,
    ];
  }
  const isPlain = red('x') === 'x';
  const text = diffWords(before, after)
    .map(({ kind, text: part }) => {
      if (kind === 'same') return part;
      if (isPlain) return kind === 'removed' ? `[-${part}-]` : `{+${part}+}`;
      return kind === 'removed' ? red(part) : green(part);
    })
    .join('');
  return [wrap(text, indent)];
}

function sizeOf(list: string): number {
  return list === '' ? 0 : (JSON.parse(list) as unknown[]).length;
}

function versionLine(
  before: Constitution,
  after: Constitution,
  { bump, versionBump }: ConstitutionDiff,
): string {
  if (bump === 'none')
    return before.hash === after.hash ? 'The contents are the same.' : 'Nothing that counts has changed.';
  const asks = `These changes ask for a ${bump} version`;
  if (versionBump === null) return `${asks}; at least one of the documents has none.`;
  if (versionBump === 'none') return yellow(`${asks}, but the version is ${after.version} in both.`);
  if (versionBump === 'lower')
    return yellow(`${asks}, but the version went down from ${before.version} to ${after.version}.`);
  const order = ['patch', 'minor', 'major'];
  const isEnough = order.indexOf(versionBump) >= order.indexOf(bump);
  const step = `from ${before.version} to ${after.version}`;
  return isEnough
    ? `${asks}, and it rose ${step}.`
    : yellow(`${asks}, but it rose only by a ${versionBump} step, ${step}.`);
}
