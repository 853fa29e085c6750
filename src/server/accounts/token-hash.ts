/** What is kept of secrets that are told once. */
import { createHash } from 'node:crypto';

/** Tokens are long and random, so a plain hash is as good as a slow one. */
export function hashOfToken(token: string): string {
  return createHash('sha256').update(token).digest('hex');
}
