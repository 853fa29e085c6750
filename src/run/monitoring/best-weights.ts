/** The weights with the best held-out reward so far, kept in files while a stage may have to go back to them. */
import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { type ParameterStore, SafetensorsFile, writeSafetensors } from '../../model/index.ts';

/**
 * Files that stay. Those of steps before the newest checkpoint and after it are both needed: a stage that resumes from
 * there finds the best of then, and writes the later ones again.
 */
const kept = 3;

export class BestWeights {
  private readonly folder: string;
  private readonly parameters: ParameterStore;

  /** @param parameters what is trained; written to by `restore` */
  constructor(folder: string, parameters: ParameterStore) {
    this.folder = folder;
    this.parameters = parameters;
  }

  /** Keeps the weights as they are now. */
  async save(step: number): Promise<void> {
    const { values } = this.parameters;
    await writeSafetensors(join(this.folder, fileOf(step)), [
      { name: 'values', shape: [values.length], data: values },
    ]);
    const old = (await filesIn(this.folder)).filter((name) => name <= fileOf(step)).slice(0, -kept);
    for (const name of old) await rm(join(this.folder, name), { force: true });
  }

  /** Puts the weights of a step back. @returns false where they are not there */
  async restore(step: number): Promise<boolean> {
    if (!(await filesIn(this.folder)).includes(fileOf(step))) return false;
    const file = await SafetensorsFile.open(join(this.folder, fileOf(step)));
    try {
      await file.readInto('values', this.parameters.values);
    } finally {
      await file.close();
    }
    return true;
  }
}

/** Removes the files of a stage that has ended. */
export async function removeBestWeights(folder: string): Promise<void> {
  for (const name of await filesIn(folder)) await rm(join(folder, name), { force: true });
}

function fileOf(step: number): string {
  return `best-${String(step).padStart(8, '0')}.safetensors`;
}

async function filesIn(folder: string): Promise<string[]> {
  return (await readdir(folder)).filter((name) => /^best-\d+\.safetensors$/.test(name)).sort();
}
