/** Checks gradients against central differences in float64. */
import { TenetError } from '../../base/index.ts';
import { Session } from '../session.ts';
import { buildCase, type CaseOptions, drawInputs, type TestBuild, type TestInput } from './build-case.ts';

export interface CheckGradientsOptions extends CaseOptions {
  /** Distance h of the two points around each value. Default 1e-5, where h² and rounding errors are equally small. */
  readonly step?: number;
  /** Largest |analytic − numeric| / max(1, |analytic|, |numeric|). Default 1e-7. */
  readonly tolerance?: number;
}

export interface GradientReport {
  readonly loss: number;
  /** Analytic gradients by input name, row-major. */
  readonly gradients: Readonly<Record<string, Float64Array>>;
  /** Number of values compared. */
  readonly compared: number;
  /** The largest relative difference found. */
  readonly worst: number;
}

/**
 * Builds a graph in float64 and compares the gradient of every real input, element by element, with
 * (f(x + h) − f(x − h)) / 2h.
 *
 * At a kink (a tie of `maximum`, a limit of `clip`) the central difference is the mean of both one-sided
 * slopes, which is not always the convention of the operator; test those by hand.
 *
 * @param build  makes the loss; an output that is no scalar is summed with fixed random weights
 * @param inputs shapes (symbols allowed), and values where random normal ones do not suit (logarithms, indices)
 * @throws TenetError('internal') listing the worst elements when any differs by more than `tolerance`
 * @example
 * await checkGradients((graph, { x, y }) => divide(x, y), { x: { shape: ['B', 3] }, y: { shape: [3], values: [1, 2, 3] } });
 */
export async function checkGradients<Name extends string>(
  build: TestBuild<Name>,
  inputs: Readonly<Record<Name, TestInput>>,
  options: CheckGradientsOptions = {},
): Promise<GradientReport> {
  const { step = 1e-5, tolerance = 1e-7 } = options;
  const built = buildCase(build, drawInputs(inputs, options), { precision: 'float64' });
  const names = Object.keys(built.gradients);
  const session: Session = await Session.create(
    built.graph,
    {
      loss: built.loss,
      ...Object.fromEntries(names.map((name) => [`gradient ${name}`, built.gradients[name]])),
    },
    { threads: 1 },
  );
  const gradientsOf: Record<string, Float64Array> = {};
  const failures: { text: string; difference: number }[] = [];
  let compared = 0;
  let worst = 0;
  try {
    const lossAt = async (): Promise<number> =>
      Number((await session.run(built.feeds, ['loss'])).loss.data[0]);
    const result = await session.run(built.feeds);
    const loss = Number(result.loss.data[0]);
    for (const name of names) {
      gradientsOf[name] = Float64Array.from(result[`gradient ${name}`].data as Float64Array);
      const values = (built.feeds[name] as { data: Float64Array }).data;
      for (let i = 0; i < values.length; i++) {
        const value = values[i];
        values[i] = value + step;
        const above = await lossAt();
        values[i] = value - step;
        const below = await lossAt();
        values[i] = value;
        const numeric = (above - below) / (2 * step);
        const analytic = gradientsOf[name][i];
        const difference = Math.abs(analytic - numeric) / Math.max(1, Math.abs(analytic), Math.abs(numeric));
        compared += 1;
        // Not `difference > tolerance`, which NaN would pass.
        if (!(difference <= tolerance)) {
          failures.push({
            text: `d loss/d ${name}[${i}] at ${value}: analytic ${analytic}, numeric ${numeric}`,
            difference,
          });
        }
        worst = Math.max(worst, difference);
      }
    }
    if (failures.length) {
      failures.sort((a, b) => b.difference - a.difference);
      const shown = failures.slice(0, 5).map(({ text }) => text);
      throw new TenetError(
        'internal',
        `checkGradients: ${failures.length} of ${compared} values differ by more than ${tolerance}:\n  ${shown.join('\n  ')}`,
      );
    }
    return { loss, gradients: gradientsOf, compared, worst };
  } finally {
    await session.release();
  }
}
