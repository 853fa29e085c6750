/** Fresh weights from a seed. */
import type { Random } from '../base/random.ts';
import { fillNormal } from './fill-normal.ts';
import type { ParameterStore } from './parameter-store.ts';

/**
 * Draws parameters as their specs say: normal weights, zero biases, norms of one. Each parameter has a
 * generator of its own, named after it, so that adding a head changes no other weight.
 * @param names which parameters. Default: all.
 */
export function initialiseParameters(
  parameters: ParameterStore,
  random: Random,
  names: readonly string[] = parameters.names,
): void {
  for (const name of names) {
    const { initialisation } = parameters.specOf(name);
    const view = parameters.view(name);
    if (initialisation.kind === 'normal') fillNormal(view, initialisation.std, random.fork(name));
    else if (initialisation.kind === 'uniform') fillUniform(view, initialisation.limit, random.fork(name));
    else view.fill(initialisation.kind === 'ones' ? 1 : 0);
  }
}

function fillUniform(target: Float32Array, limit: number, random: Random): void {
  for (let i = 0; i < target.length; i++) target[i] = limit * (2 * random.uniform() - 1);
}
