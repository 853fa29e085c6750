/** Checks the float32 graph with its fused CPU kernels against the portable float64 graph. */
import { TenetError } from '../../base/index.ts';
import type { GraphOptions } from '../graph.ts';
import {
  type BuiltCase,
  buildCase,
  type CaseOptions,
  drawInputs,
  type TestBuild,
  type TestInput,
} from './build-case.ts';
import { evaluate } from './evaluate.ts';

export interface CompareFusedOptions extends CaseOptions {
  /** Largest difference relative to the largest magnitude in the array. Default 1e-5. */
  readonly tolerance?: number;
  /** The graph compared with the float64 one. Default float32 with fused kernels. */
  readonly graph?: GraphOptions;
}

/**
 * Builds one graph twice, in float32 with fused kernels and in portable float64, and compares the output and
 * the gradient of every real input.
 * @returns the largest difference, relative to the largest magnitude in its array
 * @throws TenetError('internal') naming the first array that differs by more than `tolerance`
 */
export async function compareFused<Name extends string>(
  build: TestBuild<Name>,
  inputs: Readonly<Record<Name, TestInput>>,
  options: CompareFusedOptions = {},
): Promise<number> {
  const { tolerance = 1e-5 } = options;
  const drawn = drawInputs(inputs, options);
  // Both graphs get values that float32 holds exactly.
  for (const { values } of Object.values(drawn.drawn)) values.set(Float32Array.from(values));
  const fast = await results(buildCase(build, drawn, options.graph ?? { precision: 'float32' }));
  const exact = await results(buildCase(build, drawn, { precision: 'float64' }));
  let worst = 0;
  for (const [name, expected] of Object.entries(exact)) {
    const scale = expected.reduce((largest, value) => Math.max(largest, Math.abs(value)), 1e-30);
    expected.forEach((value, i) => {
      const difference = Math.abs(fast[name][i] - value) / scale;
      if (!(difference <= tolerance)) {
        throw new TenetError(
          'internal',
          `compareFused: ${name}[${i}] is ${fast[name][i]}, must be ${value} within ${tolerance} · ${scale}`,
        );
      }
      worst = Math.max(worst, difference);
    });
  }
  return worst;
}

function results(built: BuiltCase): Promise<Record<string, number[]>> {
  const named = Object.entries(built.gradients).map(([name, tensor]) => [`gradient of ${name}`, tensor]);
  return evaluate(built.graph, { output: built.output, ...Object.fromEntries(named) }, built.feeds);
}
