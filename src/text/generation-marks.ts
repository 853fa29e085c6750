/**
 * Finds which parts of a rendered chat are inside `{% generation %}` blocks.
 *
 * Templates made for training wrap what the assistant says in `{% generation %} … {% endgeneration %}`
 * (a Hugging Face extension of Jinja). The Jinja interpreter drops these tags, so they are replaced by marks
 * before parsing, and the marks are taken out of the rendered text again.
 */
const OPEN = '\uE000tenet-generation\uE001';
const CLOSE = '\uE000tenet-endgeneration\uE001';

/** A part of a text: [start, end) in UTF-16 units. */
export interface Span {
  readonly start: number;
  readonly end: number;
}

const TAG = /\{%-?\s*generation\s*-?%\}/;

/** True: the template says itself what the assistant generates. */
export function marksGeneration(source: string): boolean {
  return TAG.test(source);
}

/**
 * Replaces the generation tags by expressions that print marks, with the white space around them treated as
 * Jinja treats it around a block tag (`lstrip_blocks` and `trim_blocks` on, as Hugging Face sets them).
 */
export function withGenerationMarks(source: string): string {
  const atLineStart = /(^[ \t]*)?\{%(-?)\s*(end)?generation\s*(-?)%\}\n?/gm;
  return source.replace(atLineStart, (_, _indent, left: string, end: string | undefined, right: string) => {
    return `{{${left} "${end ? CLOSE : OPEN}" ${right}}}`;
  });
}

/** Takes the marks out of a rendered text and returns where they were. */
export function splitGenerationMarks(rendered: string): { text: string; spans: Span[] } {
  const spans: Span[] = [];
  let text = '';
  let start: number | null = null;
  for (const piece of rendered.split(/(\uE000tenet-(?:end)?generation\uE001)/)) {
    if (piece === OPEN) start = text.length;
    else if (piece === CLOSE) {
      if (start !== null) spans.push({ start, end: text.length });
      start = null;
    } else text += piece;
  }
  return { text, spans };
}
