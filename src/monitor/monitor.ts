/**
 * Watches over one stage: asks every detector after each step, and raises an alarm once per episode.
 *
 * An episode begins when a detector has found something `raiseAfter` times in a row, and ends after `clearAfter` times
 * without. All that a monitor knows is what it was shown, so showing it the same again, as a resumed run does from what
 * it has kept, brings it to the same state.
 */
import type { Detector, DetectorName, Finding } from './detector.ts';
import { hackDetectors } from './detectors/hacks.ts';
import { healthDetectors } from './detectors/health.ts';
import { rewardDetectors } from './detectors/reward.ts';
import { type Entry, History } from './history.ts';
import { LatentWatch } from './latent/latent-watch.ts';
import type { AlarmAction, MonitorOptions } from './options.ts';

export interface Alarm extends Finding {
  readonly detector: DetectorName;
  readonly step: number;
  readonly action: AlarmAction;
}

interface Episode {
  found: number;
  clean: number;
  open: boolean;
}

/** Every detector, in the order in which they are asked. */
export const detectors: readonly Detector[] = [...healthDetectors, ...rewardDetectors, ...hackDetectors];

const isHealth = new Set<DetectorName>(healthDetectors.map(({ name }) => name));

export class Monitor {
  readonly history: History = new History();
  /** Which responses are unlike the reference's to the reward model. */
  readonly latent: LatentWatch = new LatentWatch();
  private readonly options: MonitorOptions;
  private readonly asked: readonly Detector[];
  private readonly episodes = new Map<DetectorName, Episode>();

  constructor(options: MonitorOptions) {
    this.options = options;
    this.asked = detectors.filter(({ name }) => options.actions[name] !== 'off');
  }

  /** What an alarm of a detector does; null where it is not asked. */
  actionOf(detector: DetectorName): AlarmAction | null {
    const { action, actions } = this.options;
    const chosen = actions[detector] ?? (isHealth.has(detector) ? 'warn' : action);
    return chosen === 'off' ? null : chosen;
  }

  /** Takes in what was seen. @returns the alarms of episodes that begin with it */
  observe(entry: Entry): Alarm[] {
    if ('canaries' in entry) {
      const action = this.actionOf('canary');
      return entry.canaries && action
        ? [{ detector: 'canary', step: entry.step, action, ...entry.canaries }]
        : [];
    }
    if ('latent' in entry) {
      this.latent.add(entry.latent);
      return [];
    }
    this.history.add(entry);
    const kind = 'batch' in entry ? 'responses' : 'metrics';
    return this.asked
      .filter(({ reads }) => reads === kind)
      .flatMap((detector) => this.ask(detector, entry.step) ?? []);
  }

  private ask(detector: Detector, step: number): Alarm | null {
    const { name } = detector;
    const { thresholds, window, clearAfter } = this.options;
    const raiseAfter = detector.raiseAfter ?? this.options.raiseAfter;
    const episode = this.episodes.get(name) ?? { found: 0, clean: 0, open: false };
    this.episodes.set(name, episode);
    const finding = detector.find(this.history, thresholds, window);
    episode.found = finding ? episode.found + 1 : 0;
    episode.clean = finding ? 0 : episode.clean + 1;
    if (episode.open && episode.clean >= clearAfter) episode.open = false;
    const action = this.actionOf(name);
    if (!finding || !action || episode.open || episode.found < raiseAfter) return null;
    episode.open = true;
    return { detector: name, step, action, ...finding };
  }
}
