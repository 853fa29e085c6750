/** The documentation against the code: generated pages are up to date, recipes are valid, the example runs. */
import { execFile } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { generatedDocs } from '../scripts/generate-docs.ts';
import { stageShortcuts } from '../src/cli/run-recipe-file.ts';
import { describeOptions } from '../src/run/describe-options.ts';
import { readRecipe } from '../src/run/recipe.ts';
import { recipeSchema, stageSchema } from '../src/run/run-recipe.ts';

const root = resolve(dirname(fileURLToPath(import.meta.url)), '..');

describe('the reference of recipes', () => {
  it.each([...generatedDocs()])('%s is what the schema says (npm run docs:generate)', (path, content) => {
    expect(readFileSync(join(root, path), 'utf8')).toBe(content);
  });

  it('says what every option means', () => {
    const all = [recipeSchema, ...stageSchema.options].flatMap((schema) => describeOptions(schema));
    const silent = all.filter(({ name, description }) => name !== 'type' && description === '');
    expect(silent.map(({ name }) => name)).toEqual([]);
  });
});

describe('the recipes of the package', () => {
  const files = readdirSync(join(root, 'recipes'));

  it.each(files)('%s is valid', async (file) => {
    const options = { schema: recipeSchema, shortcuts: stageShortcuts };
    const { value } = await readRecipe(join(root, 'recipes', file), options);
    expect(value.name).toBe(file.replace('.yaml', ''));
  });

  it('are all documented in the README', () => {
    const readme = readFileSync(join(root, 'README.md'), 'utf8');
    for (const file of files) expect(readme).toContain(`recipes/${file}`);
  });
});

describe('pages', () => {
  const pages = [
    'README.md',
    'CONTRIBUTING.md',
    ...readdirSync(join(root, 'docs')).map((file) => `docs/${file}`),
  ];

  it.each(pages.filter((page) => page.endsWith('.md')))('%s links to files that exist', (page) => {
    const text = readFileSync(join(root, page), 'utf8');
    const links = [...text.matchAll(/\]\(([^)#\s]+)(?:#[^)]*)?\)/g)].map(([, link]) => link);
    const broken = links.filter(
      (link) => !/^https?:/.test(link) && !existsSync(resolve(root, dirname(page), link)),
    );
    expect(broken).toEqual([]);
  });
});

it('the example of the README is the one in examples/, and runs', async () => {
  const source = readFileSync(join(root, 'examples/score.ts'), 'utf8');
  const readme = readFileSync(join(root, 'README.md'), 'utf8');
  // In the README the package is imported by its name.
  const shown = source
    .replace(/^\/\*\*.*?\*\/\n/s, '')
    .replace(/'\.\.\/src\/(\w+)\/index\.ts'/g, "'tenet/$1'");
  expect(readme).toContain(shown.trim());
  const { stdout } = await promisify(execFile)(process.execPath, ['--import', 'tsx', 'examples/score.ts'], {
    cwd: root,
  });
  expect(stdout).toMatch(/\d/);
});
