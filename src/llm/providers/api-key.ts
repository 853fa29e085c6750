/** Keys of providers come from the environment alone, so that they end up in no recipe, run folder or log. */
import { TenetError } from '../../base/index.ts';

/** The environment variable that holds a provider's key. */
export const keyNames = {
  openai: 'OPENAI_API_KEY',
  anthropic: 'ANTHROPIC_API_KEY',
  'openai-compatible': 'OPENAI_COMPATIBLE_API_KEY',
} as const;

/** @throws TenetError('usage') naming the variable when it is not set */
export function requireKey(provider: 'openai' | 'anthropic', spec: string): string {
  const key = process.env[keyNames[provider]]?.trim();
  if (key) return key;
  throw new TenetError(
    'usage',
    `${spec} needs a key: set the environment variable ${keyNames[provider]}. (For a server of your own write ` +
      'openai-compatible:<model>@<base URL>; for a model folder local:<folder>.)',
  );
}

/** The key for servers that want one, or undefined: most servers of one's own do not. */
export function compatibleKey(): string | undefined {
  return process.env[keyNames['openai-compatible']]?.trim() || undefined;
}
