/**
 * Finds out whether an execution provider of ONNX Runtime computes, by computing. It happens in a process
 * of its own, because a driver that is broken may end the process that loads it.
 */
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { create, type MessageInitShape, toBinary } from '@bufbuild/protobuf';
import {
  ModelProtoSchema,
  TensorProto_DataType,
  type ValueInfoProtoSchema,
} from '../../tensor/onnx/onnx_pb.ts';

export type ProviderOutcome = { readonly works: true } | { readonly works: false; readonly reason: string };

const TIMEOUT_MS = 20_000;
const REASON = 'reason: ';

/** Adds 2 and 3 on a provider (`cpu`, `webgpu`, `cuda` …), in a child process. */
export async function tryProvider(provider: string): Promise<ProviderOutcome> {
  const script = fileURLToPath(import.meta.url);
  return new Promise((resolve) => {
    execFile(
      process.execPath,
      [...process.execArgv, script, provider],
      { timeout: TIMEOUT_MS },
      (error, stdout, stderr) => {
        if (!error && stdout.trim() === '5') resolve({ works: true });
        else if (error?.killed)
          resolve({ works: false, reason: `it gave no answer in ${TIMEOUT_MS / 1000} s` });
        else if (error?.signal) resolve({ works: false, reason: `it ended its process (${error.signal})` });
        else resolve({ works: false, reason: reasonIn(stderr) || `2 + 3 came out as "${stdout.trim()}"` });
      },
    );
  });
}

/** What the child said, without the places in ONNX Runtime's source that its messages begin with. */
function reasonIn(stderr: string): string {
  const line = stderr.split('\n').find((text) => text.startsWith(REASON)) ?? '';
  const reason = line.slice(REASON.length).split(' was false. ').at(-1) ?? '';
  return reason.includes('Failed to load shared library')
    ? 'its library is not installed'
    : reason.slice(0, 160);
}

/** ONNX bytes of `sum = a + b`, each `[1]` float32. */
function additionModel(): Uint8Array {
  const scalar = (name: string): MessageInitShape<typeof ValueInfoProtoSchema> => ({
    name,
    type: {
      value: {
        case: 'tensorType' as const,
        value: {
          elemType: TensorProto_DataType.FLOAT,
          shape: { dim: [{ value: { case: 'dimValue' as const, value: 1n } }] },
        },
      },
    },
  });
  const model = create(ModelProtoSchema, {
    irVersion: 10n,
    opsetImport: [{ domain: '', version: 21n }],
    graph: {
      name: 'doctor',
      node: [{ opType: 'Add', input: ['a', 'b'], output: ['sum'] }],
      input: [scalar('a'), scalar('b')],
      output: [scalar('sum')],
    },
  });
  return toBinary(ModelProtoSchema, model);
}

async function addOn(provider: string): Promise<void> {
  const { InferenceSession, Tensor } = await import('onnxruntime-node');
  const session = await InferenceSession.create(additionModel(), {
    executionProviders: [provider],
    logSeverityLevel: 4,
  });
  const number = (value: number): InstanceType<typeof Tensor> => new Tensor('float32', [value], [1]);
  const { sum } = await session.run({ a: number(2), b: number(3) });
  process.stdout.write(String(sum.data[0]));
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  await addOn(process.argv[2]).catch((error: Error) => {
    process.stderr.write(`${REASON}${error.message.split('\n')[0]}\n`);
    process.exitCode = 1;
  });
}
