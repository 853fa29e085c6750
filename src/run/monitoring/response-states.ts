/** What a reward model makes of each response while it scores it, kept for whoever watches the stage. */
import type { RewardItem, StateListener } from '../../train/index.ts';
import type { PolicyMonitors } from '../monitor-options.ts';

export class ResponseStates {
  /** Of a response as long as it is in use itself. */
  private readonly states = new WeakMap<RewardItem, Float32Array>();

  /** Takes them in. */
  readonly listener: StateListener = (items, states) => {
    items.forEach((item, i) => {
      this.states.set(item, states[i]);
    });
  };

  /** @returns [B][D] in the order of the responses; null where one of them was not scored */
  of(items: readonly RewardItem[]): readonly Float32Array[] | null {
    const found = items.flatMap((item) => this.states.get(item) ?? []);
    return found.length === items.length ? found : null;
  }
}

/** Null where no monitor asks for them. */
export function statesFor(monitors: PolicyMonitors | undefined): ResponseStates | null {
  const isOff = monitors?.enabled === false || monitors?.actions['latent-outliers'] === 'off';
  return isOff ? null : new ResponseStates();
}
