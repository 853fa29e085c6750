/** Names a constitution and its parts by their content. */
import { canonicalJson, hashOf, type Json } from '../base/index.ts';
import type { Constitution, Principle } from './constitution.ts';

/** Everything that hashes depend on; names and versions are labels, and places are not content. */
type Content = Omit<Constitution, 'name' | 'version' | 'description' | 'hash' | 'origin'>;

/**
 * `sha256:…` of what a constitution says. Fields that are empty or have their default value are left out of the sum,
 * so that a field added to the format later changes no hash.
 */
export function contentHash({ language, preamble, priorities, sections, ...rest }: Content): string {
  return hashOf(
    canonicalJson(
      stated({
        language: language === 'en' ? null : language,
        preamble,
        priorities,
        sections,
        principles: rest.principles.map(statedPrinciple),
        critiqueExamples: rest.critiqueExamples,
        comparisonExamples: rest.comparisonExamples,
      }),
    ),
  );
}

/** `sha256:…` of one principle, to follow it through versions of a document. */
export function principleHash(principle: Principle): string {
  return hashOf(canonicalJson(stated(statedPrinciple(principle))));
}

/** The first 12 hex digits of a hash, for people. */
export function shortHash(hash: string): string {
  return hash.replace(/^sha256:/, '').slice(0, 12);
}

function statedPrinciple({ weight, hard, uses, ...rest }: Principle): object {
  return {
    ...rest,
    weight: weight === 1 ? null : weight,
    hard: hard ? true : null,
    uses: uses.length === 2 ? null : uses,
  };
}

/** A copy without null and empty values, at every depth. */
function stated(value: unknown): Json {
  if (Array.isArray(value)) return value.map(stated);
  if (typeof value !== 'object' || value === null) return value as Json;
  const entries = Object.entries(value)
    .filter(([, part]) => part !== null && part !== undefined && part !== '' && !isEmptyList(part))
    .map(([key, part]) => [key, stated(part)] as const);
  return Object.fromEntries(entries);
}

function isEmptyList(value: unknown): boolean {
  return Array.isArray(value) && value.length === 0;
}
