/** Loads a reward function from a JavaScript module. */
import { extname } from 'node:path';
import { pathToFileURL } from 'node:url';
import { TenetError } from '../../base/index.ts';
import type { TextReward } from './text-reward.ts';

/**
 * @param path       of an ES module (.mjs, .js) or a CommonJS one (.cjs)
 * @param exportName which of its exports. Default: the default export
 * @throws TenetError('usage') when the module cannot be imported, or the export is no function, naming those it has
 */
export async function loadTextReward(path: string, exportName = 'default'): Promise<TextReward> {
  let module: Record<string, unknown>;
  try {
    module = (await import(pathToFileURL(path).href)) as Record<string, unknown>;
  } catch (cause) {
    const { code, message } = cause as NodeJS.ErrnoException;
    const isTypeScript =
      ['.ts', '.mts', '.cts'].includes(extname(path)) && code === 'ERR_UNKNOWN_FILE_EXTENSION';
    throw new TenetError(
      'usage',
      isTypeScript
        ? `${path} cannot be imported: this version of Node (${process.version}) reads JavaScript only. Compile it to .mjs or .js ` +
            '(npx tsc, or npx esbuild FILE.ts --outfile=FILE.mjs), or use Node 22.18 or newer.'
        : `${path} cannot be imported: ${message}`,
      { cause },
    );
  }
  // A CommonJS module's own exports stand in its default.
  const inner = module.default as Record<string, unknown> | undefined;
  const found = module[exportName] ?? inner?.[exportName];
  if (typeof found === 'function') return found as TextReward;
  const functions = Object.keys(module).filter((name) => typeof module[name] === 'function');
  throw new TenetError(
    'usage',
    `${path} has no function "${exportName}"${exportName === 'default' ? ' (export default …)' : ''}; it exports: ` +
      `${functions.join(', ') || 'no functions'}. A reward function takes (prompt, response) and returns a number or null.`,
  );
}
