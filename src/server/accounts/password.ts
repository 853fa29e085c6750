/** Hashes passwords with argon2id. */
import { hash, verify } from '@node-rs/argon2';

/**
 * OWASP's second choice for argon2id: 19 MiB, two passes, one lane.
 * @see https://cheatsheetseries.owasp.org/cheatsheets/Password_Storage_Cheat_Sheet.html
 */
const cost = { memoryCost: 19_456, timeCost: 2, parallelism: 1 };

/** argon2id is what the library hashes with by default; the text says so itself: `$argon2id$…`. */
export function hashPassword(password: string): Promise<string> {
  return hash(password, cost);
}

export function verifyPassword(password: string, hashed: string): Promise<boolean> {
  return verify(hashed, password);
}
