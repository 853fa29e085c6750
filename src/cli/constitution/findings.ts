/** `tenet constitution lint`. */
import { relative } from 'node:path';
import type { Constitution, EdgeCase, Finding, JudgeLint } from '../../constitution/index.ts';
import { LINT_RULES } from '../../constitution/index.ts';
import { bold, dim, plural, red, wrap, yellow } from './text.ts';

/** Findings under their rules, so that what is the same for many principles is said once. */
export function showFindings(constitution: Constitution, findings: readonly Finding[]): string {
  const { name, principles } = constitution;
  if (findings.length === 0)
    return `${name}: ${plural(principles.length, 'principle')}, nothing to complain about.\n`;
  const lines: string[] = [];
  for (const { name: rule, about } of LINT_RULES) {
    const own = findings.filter((finding) => finding.rule === rule);
    if (own.length === 0) continue;
    const { severity } = own[0];
    lines.push(
      `${severity === 'warning' ? yellow('warning') : dim('hint')}  ${bold(rule)}`,
      wrap(about, '  '),
    );
    for (const [message, places] of byMessage(own)) {
      lines.push(wrap(message, '  '), ...places.map((place) => wrap(place, '      ')));
    }
    for (const suggestion of new Set(own.map((finding) => finding.suggestion)))
      lines.push(wrap(`→ ${suggestion}`, '  '));
    lines.push('');
  }
  const warnings = findings.filter(({ severity }) => severity === 'warning').length;
  lines.push(
    `${name}: ${plural(warnings, 'warning')} and ${plural(findings.length - warnings, 'hint')} for ${plural(principles.length, 'principle')}.`,
  );
  return `${lines.join('\n')}\n`;
}

/** What was said, with the places and principles that it was said of; those on one line together. */
function byMessage(findings: readonly Finding[]): [string, string[]][] {
  const messages = new Map<string, Map<string, string[]>>();
  for (const { message, place, principles } of findings) {
    const places = messages.get(message) ?? new Map<string, string[]>();
    messages.set(message, places);
    places.set(place, [...(places.get(place) ?? []), ...principles.slice(-1)]);
  }
  return [...messages].map(([message, places]) => [
    message,
    [...places].map(([place, ids]) => `${shortPlace(place)}${ids.length > 0 ? `  ${ids.join(', ')}` : ''}`),
  ]);
}

/** Relative to the current folder where that is shorter. */
function shortPlace(place: string): string {
  const fromHere = relative('.', place);
  return fromHere.length < place.length ? fromHere : place;
}

/** What a model found, each with the case that shows it. */
export function showJudgeLint({ conflicts, gaps, cleared, pairs, failed }: JudgeLint): string {
  const lines: string[] = [];
  for (const {
    principles: [one, other],
    place,
    case: edge,
    probabilities: [p, q],
  } of conflicts) {
    lines.push(
      '',
      `${yellow('conflict')}  ${bold(`${one} and ${other}`)}  ${place}`,
      ...caseLines(edge),
      `  ${one} prefers the first response with ${p.toFixed(2)}, ${other} the second with ${(1 - q).toFixed(2)}.`,
      '  → say in one of them when it yields to the other, or rank their tags in "priorities"',
    );
  }
  for (const { category, case: edge, probability } of gaps) {
    lines.push(
      '',
      `${yellow('gap')}  ${bold(category)}`,
      ...caseLines(edge),
      `  The principles settle this with probability ${probability.toFixed(2)}.`,
      '  → add a principle, or an example to one, that decides it',
    );
  }
  if (failed.length > 0)
    lines.push('', red(`${plural(failed.length, 'case')} failed; the first: ${failed[0].reason}`));
  lines.push(
    '',
    `Asked about ${plural(pairs, 'pair')} of principles and every category: ${plural(conflicts.length, 'conflict')}, ` +
      `${plural(gaps.length, 'gap')}, ${plural(cleared, 'case')} that turned out to be neither.`,
  );
  return `${lines.join('\n')}\n`;
}

function caseLines({ request, responses }: EdgeCase): string[] {
  return [
    wrap(`Human: ${request}`, '    '),
    ...responses.map((response, i) => wrap(`${i + 1}: ${response}`, '    ')),
  ];
}
