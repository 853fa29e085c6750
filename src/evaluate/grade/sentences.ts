/** Plain sentences of a response, for graders that read wording. */

/** Straight quotes, single spaces, no list marks; a line end that no mark closes ends a sentence. */
export function sentencesOf(text: string): string[] {
  return text
    .replace(/[’‘`]/g, "'")
    .replace(/[“”]/g, '"')
    .split(/\n+/)
    .flatMap((line) =>
      line
        .replace(/^\s*(?:[-*•#>]+|\(?\d+[.)])\s+/, '')
        .replace(/\s+/g, ' ')
        .split(/(?<=[.!?]["')]?)\s+(?=["'(]?[\p{Lu}\d])/u),
    )
    .map((sentence) => sentence.trim())
    .filter((sentence) => /\p{L}/u.test(sentence));
}
