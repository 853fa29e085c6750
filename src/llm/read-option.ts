/** Which option a written answer names. */

/**
 * Finds the one option that an answer names, in the ways in which models like to wrap it: `B`, `(B)`, `B.`, `**B**`,
 * `{"answer": "B"}`, `The answer is: (B)`, `Option B`, or B's text followed by reasons.
 * @returns its index, or null when the answer names none or more than one
 */
export function readOption(answer: string, options: readonly string[]): number | null {
  const bare = unwrapped(fromJson(answer) ?? answer);
  const bareOptions = options.map(unwrapped);
  const whole = only(bareOptions, (option) => option === bare);
  if (whole !== null) return whole;
  const caseless = only(bareOptions, (option) => option.toLowerCase() === bare.toLowerCase());
  if (caseless !== null) return caseless;
  const start = longestAt(bare, bareOptions);
  if (start !== null) return start;
  return afterAnnouncement(bare, bareOptions) ?? onlyNamed(bare, bareOptions);
}

function fromJson(answer: string): string | null {
  try {
    const value: unknown = JSON.parse(answer.trim().replace(/^```(?:json)?\s*|\s*```$/g, ''));
    const inside = typeof value === 'object' && value !== null ? Object.values(value) : [value];
    return inside.length === 1 ? String(inside[0]) : null;
  } catch {
    return null;
  }
}

/** Without white space, brackets, stars, quotation marks and punctuation at its ends. */
function unwrapped(text: string): string {
  return text.replace(/^[\s("'*[`“‘]+/, '').replace(/[\s)"'*\]`”’.,:;!]+$/, '');
}

/** The option that the text begins with as a word of its own; of several, the longest. */
function longestAt(text: string, options: readonly string[]): number | null {
  const fitting = options.flatMap((option, i) => (isWordAt(text, 0, option) ? [i] : []));
  if (fitting.length === 0) return null;
  // A lone "A" may be the article: "A better answer would …".
  const [longest] = fitting.sort((a, b) => options[b].length - options[a].length);
  const isArticle = options[longest] === 'A' && /^A\s+\p{Ll}/u.test(text);
  return isArticle ? null : longest;
}

/** What follows the last "answer is", "choose", "option" … */
function afterAnnouncement(text: string, options: readonly string[]): number | null {
  const announcements = [
    ...text.matchAll(
      /\b(?:answer|choice|option|response|choose|prefer|pick|select)(?:\s+(?:is|would be))?[\s:*("'[`“]*/gi,
    ),
  ];
  for (const { index, 0: announcement } of announcements.reverse()) {
    const rest = text.slice(index + announcement.length);
    const named = longestAt(rest, options);
    if (named !== null) return named;
  }
  return null;
}

/** The only option that is named at all, as a word of its own; single letters have to stand in brackets. */
function onlyNamed(text: string, options: readonly string[]): number | null {
  return only(options, (option) => {
    const word = option.length === 1 ? `(${option})` : option;
    for (let at = text.indexOf(word); at >= 0; at = text.indexOf(word, at + 1)) {
      if (isWordAt(text, at, word)) return true;
    }
    return false;
  });
}

function isWordAt(text: string, at: number, word: string): boolean {
  const isPart = (character: string | undefined): boolean =>
    character !== undefined && /[\p{L}\p{N}]/u.test(character);
  if (!text.startsWith(word, at)) return false;
  return (
    !(isPart(text[at - 1]) && isPart(word[0])) && !(isPart(text[at + word.length]) && isPart(word.at(-1)))
  );
}

function only(options: readonly string[], test: (option: string) => boolean): number | null {
  const found = options.flatMap((option, i) => (test(option) ? [i] : []));
  return found.length === 1 ? found[0] : null;
}
