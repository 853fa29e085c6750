import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { ConstitutionsFolder, checkText, diffTexts } from './constitutions-folder.ts';

let folder: string;
let constitutions: ConstitutionsFolder;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tenet-constitutions-'));
  constitutions = new ConstitutionsFolder(join(folder, 'own'));
});
afterEach(() => rm(folder, { recursive: true }));

const text =
  'name: ours\nversion: 1.0.0\nprinciples:\n  - id: kind\n    text: The assistant is kind to the person.\n';

it('has Tenet’s own until there is another of its name, and never changes it', async () => {
  const [own] = await constitutions.list();
  expect(own).toMatchObject({ name: 'default.md', readOnly: true });
  await expect(constitutions.write('default.md', own.text, own.textHash)).rejects.toMatchObject({
    code: 'conflict',
  });
  await constitutions.write('default.md', own.text, null);
  expect(await constitutions.list()).toMatchObject([{ name: 'default.md', readOnly: false }]);
});

it('does not overwrite what somebody else has changed meanwhile', async () => {
  const first = await constitutions.write('ours.yaml', text, null);
  const second = await constitutions.write('ours.yaml', text.replace('1.0.0', '1.0.1'), first.textHash);
  const late = constitutions.write('ours.yaml', text.replace('1.0.0', '2.0.0'), first.textHash);
  await expect(late).rejects.toThrow('has been changed by somebody else');
  await expect(constitutions.write('ours.yaml', text, null)).rejects.toMatchObject({ code: 'conflict' });
  expect(await constitutions.read('ours.yaml')).toEqual(second);
});

it('lets one of two save who save at once', async () => {
  const { textHash } = await constitutions.write('ours.yaml', text, null);
  const versions = ['1.1.0', '1.2.0', '1.3.0'].map((version) => text.replace('1.0.0', version));
  const saved = await Promise.allSettled(
    versions.map((version) => constitutions.write('ours.yaml', version, textHash)),
  );
  expect(saved.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'rejected']);
  expect((await constitutions.read('ours.yaml')).text).toBe(versions[0]);
});

it.each(['../outside.md', 'a/b.md', '.hidden.md', 'notes.txt', '/etc/passwd', 'x.md\u0000'])(
  '%j leads nowhere',
  async (name) => {
    await writeFile(join(folder, 'outside.md'), 'secret');
    await expect(constitutions.read(name)).rejects.toMatchObject({ code: 'invalid' });
    await expect(constitutions.write(name, text, null)).rejects.toMatchObject({ code: 'invalid' });
  },
);

it('names what is wrong by line, and refuses to save it', async () => {
  const wrong = text.replace('    text: The', '    txt: The');
  const { constitution, problems } = checkText('ours.yaml', wrong);
  expect(constitution).toBeNull();
  expect(problems.some(({ place }) => /ours\.yaml:[45]$/.test(place))).toBe(true);
  await expect(constitutions.write('ours.yaml', wrong, null)).rejects.toMatchObject({ code: 'invalid' });
});

it('says what changed, and by how much the version should rise', () => {
  expect(diffTexts('ours.yaml', text, text.replace('kind to', 'fair to'))).toMatchObject({
    bump: 'minor',
    versionBump: 'none',
    principles: [{ id: 'kind', kind: 'changed' }],
  });
  expect(diffTexts('ours.yaml', text, 'nothing')).toBeNull();
});
