/** Rules that fit a single case: exact counts, wording to repeat, named persons, long chains of conditions. */
import { placeOfPrinciple } from '../constitution.ts';
import { wordsOf } from '../words.ts';
import { listOf, type Rule } from './finding.ts';

/** Above this a judge of ordinary size loses the beginning; longer than all 32 texts of the paper by far. */
const mostWords = 150;
const mostConditions = 4;

export const overSpecific: Rule = {
  name: 'over-specific',
  about: 'A rule for a single case does not carry over to others, and judges apply it by the letter.',
  english: true,
  check: (constitution) =>
    constitution.principles.flatMap((principle) => {
      const reasons = reasonsOf(principle.text);
      if (reasons.length === 0) return [];
      return {
        severity: 'hint' as const,
        place: placeOfPrinciple(constitution, principle.id, 'text'),
        principles: [principle.id],
        message: reasons.join('; '),
        suggestion:
          'say what the rule is for, so that it also decides cases nobody thought of; move the case into an example',
      };
    }),
};

function reasonsOf(text: string): string[] {
  const reasons: string[] = [];
  const counts = text.match(
    /\b(exactly|at least|at most|no more than|no fewer than|always \d+|under|within) (\d+|two|three|four|five|ten) [a-z]+/gi,
  );
  if (counts) reasons.push(`counts exactly: ${listOf(counts)}`);
  const scripts = text.match(
    /\b(say|begin with|start with|end with|answer with|reply with|write):? ["“'][^"”']{3,}["”']/gi,
  );
  if (scripts) reasons.push(`prescribes words: ${listOf(scripts)}`);
  const names = namesIn(text);
  if (names.length > 0) reasons.push(`depends on who the judge takes ${listOf(names)} to be`);
  const conditions = text.match(/\b(unless|except|provided that|only if|but not if|other than)\b/gi) ?? [];
  if (conditions.length >= mostConditions) reasons.push(`has ${conditions.length} exceptions`);
  const length = wordsOf(text).length;
  if (length > mostWords) reasons.push(`is ${length} words long; judges follow at most about ${mostWords}`);
  return reasons;
}

/** Two or more capitalised words in a row, or one after "like" and the like: persons, firms, places. */
function namesIn(text: string): string[] {
  const runs = text.match(/(?<=[a-z,] )[A-Z][a-z]+(?: (?:[A-Z][a-z]+|Jr\.))+/g) ?? [];
  const single = text.match(/(?<=\b(?:like|or|as|of|by) )[A-Z][a-z]{2,}\b(?! [A-Z])/g) ?? [];
  const known = new Set(['English', 'Internet', 'Monday', 'Sunday', 'Earth']);
  return [...new Set([...runs, ...single])].filter((name) => !known.has(name));
}
