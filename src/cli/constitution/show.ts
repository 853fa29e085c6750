/** `tenet constitution show`. */
import {
  type Constitution,
  type CritiqueExample,
  type Principle,
  placeOfPrinciple,
  shortHash,
} from '../../constitution/index.ts';
import { bold, dim, plural, wrap } from './text.ts';

/** Head, priorities and principles. */
export function showConstitution(constitution: Constitution): string {
  const { name, version, hash, description, priorities, principles, origin } = constitution;
  const { critiqueExamples, comparisonExamples } = constitution;
  const examples =
    critiqueExamples.length +
    comparisonExamples.length +
    principles.reduce((sum, principle) => sum + principle.examples.length, 0);
  const lines = [
    bold(`${name}${version === null ? '' : ` ${version}`}`) + dim(`  ${shortHash(hash)}`),
    dim(origin.file),
    ...(description ? [wrap(description)] : []),
    '',
    `${plural(principles.length, 'principle')}, ${plural(examples, 'example')}` +
      (priorities.length > 0 ? `; priorities: ${priorities.join(' > ')}` : ''),
  ];
  for (const principle of principles) lines.push('', head(principle), wrap(principle.text, '  '));
  return `${lines.join('\n')}\n`;
}

/** One principle with all that it says. */
export function showPrinciple(constitution: Constitution, principle: Principle): string {
  const { critiqueRequest, revisionRequest, comparisonQuestion, examples } = principle;
  const lines = [
    head(principle),
    dim(`  ${placeOfPrinciple(constitution, principle.id)}`),
    '',
    wrap(principle.text, '  '),
  ];
  const wordings = [
    ['Critique request', critiqueRequest],
    ['Revision request', revisionRequest],
    ['Comparison question', comparisonQuestion],
  ] as const;
  for (const [title, text] of wordings) {
    lines.push(
      '',
      `  ${bold(title)}`,
      text === null ? dim('    none; made from the text') : wrap(text, '    '),
    );
  }
  for (const [i, example] of examples.entries())
    lines.push('', `  ${bold(`Example ${i + 1}`)}`, ...exampleLines(example));
  return `${lines.join('\n')}\n`;
}

function head({ id, title, weight, tags, hard, uses }: Principle): string {
  const facts = [
    ...(hard ? ['hard limit'] : []),
    ...(weight === 1 ? [] : [`weight ${weight}`]),
    ...(uses.length === 2 ? [] : [`for ${uses[0]} only`]),
    ...tags,
  ];
  return `${bold(id)}${title === null ? '' : `  ${title}`}${facts.length === 0 ? '' : dim(`  (${facts.join(', ')})`)}`;
}

function exampleLines({ prompt, response, critique, revision }: CritiqueExample): string[] {
  const turns = prompt.map(
    ({ role, content }) => [role === 'user' ? 'Human' : 'Assistant', content] as const,
  );
  const parts = [...turns, ['Assistant', response], ['Critique', critique], ['Revision', revision]] as const;
  return parts.flatMap(([label, text]) => (text === null ? [] : [wrap(`${label}: ${text}`, '    ')]));
}
