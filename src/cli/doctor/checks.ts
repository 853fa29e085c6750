/** What `tenet doctor` checks, in the order in which problems hide one another. */
import { statfs } from 'node:fs/promises';
import { availableParallelism, freemem } from 'node:os';
import { describeMachine } from '../../run/machine.ts';
import { tryProvider } from './try-provider.ts';

export interface Check {
  readonly name: string;
  /** `none` is for what is optional and absent. */
  readonly status: 'ok' | 'none' | 'warning' | 'failed';
  /** What was found. */
  readonly value: string;
  /** What to do about it. */
  readonly fix?: string;
}

/** `engines` in package.json. */
const NODE_MAJOR = 20;
const NODE_MINOR = 19;
/** The quickstart's own need, in bytes. */
const QUICKSTART_MEMORY = 2e9;
const QUICKSTART_DISK = 1e9;

/** Runs every check; `folder` is where runs would be written. */
export async function* runChecks(folder: string): AsyncGenerator<Check> {
  yield checkNode(process.versions.node);
  yield await checkRuntime();
  yield checkCores(availableParallelism());
  yield checkMemory(availableMemory());
  yield await checkDisk(folder);
  yield* checkGraphics();
  yield checkKeys(process.env);
}

export function checkNode(version: string): Check {
  const [major, minor] = version.split('.').map(Number);
  const enough = major > NODE_MAJOR || (major === NODE_MAJOR && minor >= NODE_MINOR);
  return enough
    ? { name: 'Node', status: 'ok', value: version }
    : {
        name: 'Node',
        status: 'failed',
        value: `${version}, but Tenet needs ${NODE_MAJOR}.${NODE_MINOR} or newer`,
        fix: 'Install Node 22 or 24 from https://nodejs.org or with your version manager.',
      };
}

async function checkRuntime(): Promise<Check> {
  const name = 'ONNX Runtime';
  try {
    const { describeVersions } = await import('../../run/machine.ts');
    const { onnxruntime } = describeVersions();
    const outcome = await tryProvider('cpu');
    if (outcome.works) return { name, status: 'ok', value: `${onnxruntime}, computes correctly` };
    return {
      name,
      status: 'failed',
      value: `${onnxruntime} is installed but ${outcome.reason}`,
      fix: runtimeFix,
    };
  } catch (error) {
    return { name, status: 'failed', value: (error as Error).message.split('\n')[0], fix: runtimeFix };
  }
}

const runtimeFix =
  'Install again with `npm ci` (or `npm install tenet`). On Linux it needs glibc 2.28 or newer (not Alpine), ' +
  'on Windows the Visual C++ 2019 runtime.';

export function checkCores(cores: number): Check {
  const value = `${cores} core${cores === 1 ? '' : 's'}`;
  return cores > 1
    ? { name: 'Processor', status: 'ok', value: `${value}, ${describeMachine().cpu}` }
    : {
        name: 'Processor',
        status: 'warning',
        value,
        fix: 'Training works but is slow; give the container or virtual machine more cores.',
      };
}

export function checkMemory(bytes: number): Check {
  const value = `${gigabytes(bytes)} available`;
  return bytes >= QUICKSTART_MEMORY
    ? { name: 'Memory', status: 'ok', value }
    : {
        name: 'Memory',
        status: 'warning',
        value,
        fix: `The quickstart wants ${gigabytes(QUICKSTART_MEMORY)}: close other programs or raise the container's limit.`,
      };
}

async function checkDisk(folder: string): Promise<Check> {
  const name = 'Disk';
  try {
    const { bavail, bsize } = await statfs(folder);
    const free = bavail * bsize;
    const value = `${gigabytes(free)} free in ${folder}`;
    if (free >= QUICKSTART_DISK) return { name, status: 'ok', value };
    return {
      name,
      status: 'warning',
      value,
      fix: 'Checkpoints need room: free some, or write runs to another disk.',
    };
  } catch (error) {
    const missing = (error as NodeJS.ErrnoException).code === 'ENOENT';
    return {
      name,
      status: 'warning',
      value: missing ? `there is no folder ${folder}` : (error as Error).message,
      fix: 'Give an existing folder with --folder.',
    };
  }
}

async function* checkGraphics(): AsyncGenerator<Check> {
  const { listSupportedBackends } = await import('onnxruntime-node').catch(() => ({
    listSupportedBackends: () => [],
  }));
  for (const { name: provider } of listSupportedBackends()) {
    if (provider === 'cpu') continue;
    const name = provider === 'webgpu' ? 'WebGPU' : provider.toUpperCase();
    const outcome = await tryProvider(provider);
    yield outcome.works
      ? { name, status: 'ok', value: 'computes correctly' }
      : { name, status: 'none', value: `not usable: ${outcome.reason} (optional)` };
  }
}

/** Memory that could still be used, within the limit of a container. */
function availableMemory(): number {
  const limit = process.constrainedMemory?.() ?? 0;
  const free = process.availableMemory?.() ?? freemem();
  return limit > 0 ? Math.min(limit, free) : free;
}

function gigabytes(bytes: number): string {
  return `${(bytes / 1e9).toFixed(1)} GB`;
}

/** Which providers of language models can be asked; local models need no key. */
export function checkKeys(environment: Readonly<Record<string, string | undefined>>): Check {
  const names = ['OPENAI_API_KEY', 'ANTHROPIC_API_KEY', 'OPENAI_COMPATIBLE_API_KEY'];
  const found = names.filter((name) => environment[name]?.trim());
  return found.length > 0
    ? { name: 'Providers', status: 'ok', value: `keys in ${found.join(', ')}` }
    : { name: 'Providers', status: 'none', value: 'no keys; local models and servers without one work' };
}
