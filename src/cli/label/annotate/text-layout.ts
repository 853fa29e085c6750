/** Texts of models in a terminal: harmless, and in lines that fit, whatever script they are in. */

/**
 * A text without what a terminal would obey: control characters become visible ones, so that a response cannot move the
 * cursor, clear the screen or hide a part of itself.
 */
export function harmless(text: string): string {
  return text
    .replace(/\r\n?/g, '\n')
    .replaceAll('\t', '    ')
    .replace(/[\p{Cc}\u202a-\u202e\u2066-\u2069]/gu, (control) => {
      const code = control.charCodeAt(0);
      if (control === '\n') return control;
      return code < 0x20 ? String.fromCharCode(0x2400 + code) : '\ufffd';
    });
}

const segmenter = new Intl.Segmenter(undefined, { granularity: 'grapheme' });
const wide =
  /^[\p{Script=Han}\p{Script=Hangul}\p{Script=Hiragana}\p{Script=Katakana}\u3000-\u303f\uff01-\uff60\uffe0-\uffe6]|\p{Emoji_Presentation}|\ufe0f/u;
const simple = /^[\x20-\x7e]*$/;

/** Columns that a text takes. */
export function columnsOf(text: string): number {
  if (simple.test(text)) return text.length;
  let columns = 0;
  for (const { segment } of segmenter.segment(text)) columns += columnsOfGrapheme(segment);
  return columns;
}

function columnsOfGrapheme(grapheme: string): number {
  if (wide.test(grapheme)) return 2;
  return /^\p{M}+$|^\p{Cf}+$/u.test(grapheme) ? 0 : 1;
}

/**
 * Lines of at most `width` columns. Breaks at spaces, in the middle of a word only where that is longer than a line; what
 * a line is indented by, as in code and lists, goes before its continuation too.
 */
export function linesOf(text: string, width: number): string[] {
  return text.split('\n').flatMap((line) => breakLine(line.trimEnd(), Math.max(1, width)));
}

function breakLine(line: string, width: number): string[] {
  if (columnsOf(line) <= width) return [line];
  // Two columns are left at least: a wide character takes as many.
  const indent = /^ */.exec(line)![0].slice(0, Math.max(0, Math.min(width >> 1, width - 2)));
  const lines: string[] = [];
  let current = '';
  for (const word of line.trimStart().split(/(?<= )/)) {
    const start = current === '' ? indent : current;
    if (columnsOf(start + word.trimEnd()) <= width) {
      current = start + word;
      continue;
    }
    if (current !== '') lines.push(current.trimEnd());
    current = '';
    for (const piece of piecesOf(word, width - indent.length)) {
      if (current !== '') lines.push(current);
      current = indent + piece;
    }
  }
  if (current.trim() !== '') lines.push(current.trimEnd());
  return lines;
}

/** A word in pieces that fit. */
function piecesOf(word: string, width: number): string[] {
  const pieces: string[] = [];
  let [piece, columns] = ['', 0];
  for (const { segment } of segmenter.segment(word)) {
    const own = columnsOfGrapheme(segment);
    if (columns + own > width && piece !== '') {
      if (segment === ' ') continue;
      pieces.push(piece);
      [piece, columns] = ['', 0];
    }
    piece += segment;
    columns += own;
  }
  if (piece !== '') pieces.push(piece);
  return pieces;
}

/** The beginning of a line that fits, with … where something is cut off. */
export function cut(line: string, width: number): string {
  if (columnsOf(line) <= width) return line;
  return `${piecesOf(line, Math.max(1, width - 1))[0] ?? ''}…`;
}
