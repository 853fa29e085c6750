/** Keeps keys out of everything that is shown or written. */

/** Texts that look like a key of a provider, also where the provider has masked a part of it. */
const keyLike = /\b(?:(?:sk|pk|gsk|hf|xai|key)[-_]|Bearer\s+)[\w*.…-]{6,}/g;

/** The text with the secrets, and whatever looks like one, replaced by `[key]`. */
export function redact(text: string, secrets: readonly string[]): string {
  let clean = text;
  for (const secret of secrets) if (secret !== '') clean = clean.replaceAll(secret, '[key]');
  return clean.replace(keyLike, '[key]');
}
