/** Splits a Markdown document into headings with what stands under them; code blocks are left whole. */

/** A line and its number in the file. */
export interface Line {
  readonly text: string;
  readonly number: number;
}

/** A heading and the lines up to the next one; the first block of a document may have no heading. */
export interface Block {
  readonly heading: { readonly level: number; readonly text: string; readonly line: number } | null;
  readonly body: Line[];
}

/** The text between the lines `---` at the top, and the lines after it. */
export function splitFrontMatter(text: string): { front: string; frontLine: number; body: Line[] } {
  const lines = text.split('\n').map((line, i) => ({ text: line, number: i + 1 }));
  const begins = lines[0]?.text.trimEnd() === '---';
  const end = begins ? lines.findIndex((line, i) => i > 0 && /^(---|\.\.\.)\s*$/.test(line.text)) : -1;
  if (end < 0) return { front: '', frontLine: 1, body: lines };
  const front = lines.slice(1, end).map((line) => line.text);
  return { front: front.join('\n'), frontLine: 2, body: lines.slice(end + 1) };
}

/** The blocks of a document in order, without HTML comments. */
export function splitBlocks(lines: readonly Line[]): Block[] {
  const blocks: Block[] = [{ heading: null, body: [] }];
  let fence: string | null = null;
  for (const line of withoutComments(lines)) {
    const mark = /^ {0,3}(`{3,}|~{3,})/.exec(line.text)?.[1];
    if (mark && fence === null) fence = mark;
    else if (mark && fence !== null && mark.startsWith(fence)) fence = null;
    const heading = fence === null && !mark ? /^ {0,3}(#{1,6})\s+(.*?)\s*#*\s*$/.exec(line.text) : null;
    if (heading) {
      blocks.push({ heading: { level: heading[1].length, text: heading[2], line: line.number }, body: [] });
    } else blocks[blocks.length - 1].body.push(line);
  }
  return blocks;
}

/** Comments are for authors; their lines become empty, so that the numbers of the others stay right. */
function withoutComments(lines: readonly Line[]): Line[] {
  const text = lines.map((line) => line.text).join('\n');
  const cleaned = text.replace(/<!--[\s\S]*?(-->|$)/g, (comment) => comment.replace(/[^\n]/g, ''));
  return cleaned.split('\n').map((line, i) => ({ text: line, number: lines[i].number }));
}
