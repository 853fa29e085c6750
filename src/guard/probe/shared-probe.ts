/**
 * The guard of probes on a model that is served in the same process: it judges by what the served model itself makes of a
 * conversation while it answers it, so that nothing is read twice.
 *
 * What the served model is not reading, such as texts for moderation, is read in a pass of the guard's own, as everywhere
 * else.
 */
import { realpath } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { TenetError } from '../../base/index.ts';
import type { StateProbe } from '../../model/index.ts';
import type { ClassifierGuard, OpenClassifierOptions } from '../classifier/classifier-guard.ts';
import { screeningOf } from '../classifier/classifier-screen.ts';
import { type GuardFile, readGuardFile, thresholdOf } from '../classifier/guard-file.ts';
import { guardName, readoutOf, stageOf, thresholdsOf } from '../classifier/readout.ts';
import { guardFolder } from '../open-guard.ts';
import type { GuardMessage, OutputScreen, Screening } from '../screen.ts';
import { type SharedAnswer, SharedReading } from './shared-reading.ts';

/** Answers are judged in the light of the conversation: the model has read both. */
const answers = 'exchange';

export class SharedProbe implements ClassifierGuard {
  /** Of the guard, as a whole path. */
  readonly folder: string;
  readonly name: string;
  readonly file: GuardFile;
  readonly thresholds: { readonly input?: number; readonly output?: number };
  private readonly options: OpenClassifierOptions;
  /** By conversation, the very list: what the served model tells of it. */
  private readonly readings = new WeakMap<readonly GuardMessage[], SharedReading>();
  private own: Promise<ClassifierGuard> | null = null;

  private constructor(folder: string, file: GuardFile, options: OpenClassifierOptions) {
    this.folder = resolve(folder);
    this.file = file;
    this.name = guardName(folder, file);
    this.thresholds = thresholdsOf(file, this.name, answers, options.refusalRate);
    this.options = options;
  }

  /**
   * The first of some guards that is made of probes on a model, read as it reads a chat; null where none is.
   * @param guards names as `openGuard` takes them
   * @param model  folder of the model
   * @throws as `openGuard` for names that are none, and folders that hold no guard
   */
  static async find(
    guards: readonly string[],
    model: string,
    options: OpenClassifierOptions = {},
  ): Promise<SharedProbe | null> {
    for (const name of guards) {
      const folder = await guardFolder(name);
      if (folder === null) continue;
      const file = await readGuardFile(folder);
      if (!file.probe || file.probe.chatTemplate === null) continue;
      const [its, served] = await Promise.all([placeOf(join(folder, file.probe.model)), placeOf(model)]);
      if (its === served) return new SharedProbe(folder, file, options);
    }
    return null;
  }

  /** What the served model computes. */
  get stateProbe(): StateProbe {
    const { layers, rows, modelHash } = this.file.probe!;
    return { layers, rows, modelHash };
  }

  /** @throws TenetError('model') where the served model writes conversations in another way than the probes were fitted to */
  checkTemplate(templateHash: string | null): void {
    if (templateHash === this.file.probe!.chatTemplate) return;
    throw new TenetError(
      'model',
      `${this.folder}: its probes read conversations in another chat template than the served model has. Train them again on it.`,
    );
  }

  /** Takes what the served model tells of a conversation, for whoever screens this very list of messages. */
  begin(messages: readonly GuardMessage[]): SharedReading {
    const { window, rows } = this.file.probe!;
    const reading = new SharedReading({
      ...{ numbers: rows.length, window, maxLength: this.file.maxLength },
    });
    this.readings.set(messages, reading);
    return reading;
  }

  async screenInput(messages: readonly GuardMessage[], signal?: AbortSignal): Promise<Screening> {
    const reading = this.readings.get(messages);
    if (!reading) return (await this.openOwn()).screenInput(messages, signal);
    const largest = await reading.conversation;
    if (signal?.aborted) throw new TenetError('interrupted', 'Screening was interrupted.');
    // What the model does not read it does not answer.
    if (largest === null) return { score: 0, stage: stageOf(this.file) };
    return screeningOf(largest, readoutOf(this.file, 'input'));
  }

  async openOutput(messages: readonly GuardMessage[], choice = 0): Promise<OutputScreen> {
    const reading = this.readings.get(messages);
    if (!reading) return (await this.openOwn()).openOutput(messages);
    return new SharedScreen(reading.answer(choice), this.file);
  }

  thresholdFor(what: 'input' | 'output', refusalRate: number): number {
    return thresholdOf(this.file, this.name, what === 'input' ? 'input' : answers, refusalRate);
  }

  async close(): Promise<void> {
    await this.own?.then(
      (guard) => guard.close(),
      () => {},
    );
  }

  /** Opened when it is first needed: it holds the model's layers a second time. */
  private openOwn(): Promise<ClassifierGuard> {
    this.own ??= import('../classifier/open-classifier-guard.ts').then(({ openClassifierGuard }) =>
      openClassifierGuard(this.folder, { ...this.options, inThread: true }),
    );
    return this.own;
  }
}

/** Looks up what the model thought of the text that it wrote. */
class SharedScreen implements OutputScreen {
  private readonly answer: SharedAnswer;
  private readonly file: GuardFile;
  private length = 0;

  constructor(answer: SharedAnswer, file: GuardFile) {
    this.answer = answer;
    this.file = file;
  }

  async push(text: string): Promise<Screening> {
    if (!this.answer.text.startsWith(text, this.length)) {
      throw new TenetError('internal', 'The text to be screened is not what the served model has written.');
    }
    this.length += text.length;
    return this.screening(this.answer.largestUpTo(this.length));
  }

  async end(): Promise<Screening> {
    const { text, isWhole, largestSoFar } = this.answer;
    if (!isWhole || this.length !== text.length) {
      throw new TenetError(
        'internal',
        'The answer was said to be whole before the served model had ended it.',
      );
    }
    return this.screening(largestSoFar);
  }

  close(): void {}

  private screening(largest: Float32Array): Screening {
    return screeningOf(largest, readoutOf(this.file, answers));
  }
}

/** Links resolved; of what does not exist, the path as it is. */
function placeOf(folder: string): Promise<string> {
  return realpath(folder).catch(() => resolve(folder));
}
