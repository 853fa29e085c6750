/** One line of at most `limit` characters, without control characters: a model's text is not to be trusted. */
export function oneLine(text: string, limit: number): string {
  const flat = text
    .replace(/[\p{Cc}\p{Cf}]+/gu, ' ')
    .replace(/\s+/g, ' ')
    .trim();
  return flat.length > limit ? `${flat.slice(0, limit - 1)}…` : flat;
}
