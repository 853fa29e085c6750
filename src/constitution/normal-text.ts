/** Texts in one form, so that the same words have the same hash in every file format and on every system. */

/** A line that keeps its place: a list item, a quote, a table row, a heading or code. */
const keepsPlace = /^( {4}|\t| {0,3}([-*+] |\d+[.)] |>|\||#|```|~~~))/;

/** Unicode NFC, line ends as \n, no space at line ends, no blank lines around. */
export function trimText(text: string): string {
  return text
    .normalize('NFC')
    .replace(/\r\n?/g, '\n')
    .replace(/[ \t]+$/gm, '')
    .replace(/^\n+|\s+$/g, '');
}

/**
 * {@link trimText}, and the lines of a paragraph joined by spaces, as Markdown reads them.
 * @param hardBreaks true: a line that ends with a backslash keeps its end, and loses the backslash. Default false
 */
export function reflow(text: string, hardBreaks = false): string {
  const lines = trimText(text).split('\n');
  const joined: string[] = [];
  let isCode = false;
  for (const line of lines) {
    const fence = /^ {0,3}(```|~~~)/.test(line);
    const previous = joined.at(-1);
    const continues =
      !isCode && !fence && previous !== undefined && previous !== '' && line !== '' && !keepsPlace.test(line);
    const ends = /^ {0,3}(```|~~~|#|\|)/.test(previous ?? '') || (hardBreaks && previous?.endsWith('\\'));
    if (continues && !ends) joined[joined.length - 1] += ` ${line.trim()}`;
    else if (line !== '' || isCode || previous !== '') joined.push(line);
    if (fence) isCode = !isCode;
  }
  const whole = joined.join('\n');
  return trimText(hardBreaks ? whole.replace(/\\\n/g, '\n') : whole).trim();
}
