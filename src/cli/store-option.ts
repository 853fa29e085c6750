/** Which store a command works on. */
import { Option } from 'commander';

/** `--store`, the same in every command that has it. */
export function storeOption(): Option {
  return new Option(
    '--store <address>',
    'file for SQLite, or postgres://user@host/database; a password is better left to the environment',
  )
    .env('TENET_STORE')
    .default('tenet.db');
}
