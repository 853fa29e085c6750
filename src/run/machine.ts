/** What a run's manifest says of the machine and of the versions that computed it. */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { availableParallelism, cpus, totalmem } from 'node:os';
import { dirname, join } from 'node:path';
import type { Machine, Versions } from './manifest.ts';

/** This machine, within the limits that a container sets. */
export function describeMachine(): Machine {
  // The limit is 0 or absurdly large where the container sets none.
  const limit = process.constrainedMemory?.() ?? 0;
  const memory = totalmem();
  return {
    platform: process.platform,
    arch: process.arch,
    cpu: cpus()[0]?.model.trim() || 'unknown',
    cores: availableParallelism(),
    memoryBytes: limit > 0 ? Math.min(limit, memory) : memory,
  };
}

/** The versions of Tenet, Node and ONNX Runtime in use. */
export function describeVersions(): Versions {
  const require = createRequire(import.meta.url);
  return {
    tenet: versionIn(new URL('../../package.json', import.meta.url)),
    node: process.versions.node,
    onnxruntime: versionIn(join(packageFolder(require.resolve('onnxruntime-node')), 'package.json')),
  };
}

function versionIn(path: string | URL): string {
  return (JSON.parse(readFileSync(path, 'utf8')) as { version: string }).version;
}

/** The folder of an installed package, from the path of a file in it. */
function packageFolder(file: string): string {
  for (let folder = dirname(file); folder !== dirname(folder); folder = dirname(folder)) {
    if (dirname(folder).endsWith('node_modules')) return folder;
  }
  return dirname(file);
}
