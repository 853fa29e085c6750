/** Opens a folder that `tenet guard train` made. */
import { join } from 'node:path';
import { TenetError } from '../../base/index.ts';
import { loadModelFolder, TokenScorer } from '../../model/index.ts';
import { loadTokenizer } from '../../text/index.ts';
import { ProbeScorer, type StreamScorer } from '../probe/probe-scorer.ts';
import type { GuardMessage, OutputScreen, Screening } from '../screen.ts';
import { ChatForm } from './chat-form.ts';
import type { ClassifierGuard, OpenClassifierOptions } from './classifier-guard.ts';
import { ClassifierScreen, RunningScores, screeningOf } from './classifier-screen.ts';
import { type GuardFile, readGuardFile, thresholdOf } from './guard-file.ts';
import { headNames } from './heads.ts';
import { guardName, readoutOf, stageOf, thresholdsOf, usualAnswers } from './readout.ts';
import { type TextForm, Transcript } from './transcript.ts';

/**
 * @param folder a model folder with `guard.json`
 * @throws TenetError('model') for a folder that is none; TenetError('usage') for a kind that the guard has not learnt
 */
export async function openClassifierGuard(
  folder: string,
  options: OpenClassifierOptions = {},
): Promise<ClassifierGuard> {
  const file = await readGuardFile(folder);
  const { answers = usualAnswers(file), refusalRate } = options;
  if (options.answers && !file.kinds.includes(options.answers)) {
    throw new TenetError(
      'usage',
      `${folder} has learnt ${file.kinds.join(', ')}, and not ${options.answers}.`,
    );
  }
  if (options.inThread) {
    const { ThreadedGuard } = await import('./threaded-guard.ts');
    const { inThread: _, ...rest } = options;
    return ThreadedGuard.open({ folder, options: rest }, answers);
  }
  const name = guardName(folder, file);
  const thresholds = thresholdsOf(file, name, answers, refusalRate);
  return new FolderGuard(name, file, await openScorer(folder, file, options), { answers, thresholds });
}

/** What scores texts, and how they are written for it. */
interface FormedScorer {
  readonly scorer: StreamScorer;
  readonly form: TextForm;
}

/** What scores the tokens: the folder's own model, or probes on the states of another. */
async function openScorer(
  folder: string,
  { kinds, categories, probe }: GuardFile,
  { precision = 'float32', threads }: OpenClassifierOptions,
): Promise<FormedScorer> {
  const place = probe ? join(folder, probe.model) : folder;
  const model = await loadModelFolder(place);
  const { config, parameters } = model;
  const tokenizer = await loadTokenizer(model.tokenizerFolder);
  if (probe) {
    if (parameters.hash() !== probe.modelHash) {
      throw new TenetError(
        'model',
        `${folder}: its probes read the hidden states of another model than ${place} holds now. Train them again on it.`,
      );
    }
    const form = probe.chatTemplate === null ? new Transcript(tokenizer) : ChatForm.of(tokenizer);
    if (form === null || (form instanceof ChatForm && form.templateHash !== probe.chatTemplate)) {
      throw new TenetError(
        'model',
        `${folder}: its probes read conversations in another chat template than ${place} has now. Train them again on it.`,
      );
    }
    return { form, scorer: await ProbeScorer.create(config, parameters, probe, { threads }) };
  }
  const names = headNames(kinds, categories);
  if (model.heads?.names.length !== names.length) {
    throw new TenetError(
      'model',
      `${folder}: guard.json names ${names.length} scores, and the model has ${model.heads?.names.length ?? 0}; the two do not belong together.`,
    );
  }
  const form = new Transcript(tokenizer);
  return { form, scorer: await TokenScorer.create(config, parameters, { precision, threads }) };
}

class FolderGuard implements ClassifierGuard {
  readonly name: string;
  readonly file: GuardFile;
  private readonly scorer: StreamScorer;
  private readonly form: TextForm;
  private readonly answers: 'output' | 'exchange';
  readonly thresholds: ReturnType<typeof thresholdsOf>;

  constructor(
    name: string,
    file: GuardFile,
    { scorer, form }: FormedScorer,
    made: { readonly answers: 'output' | 'exchange'; readonly thresholds: FolderGuard['thresholds'] },
  ) {
    this.name = name;
    this.file = file;
    this.scorer = scorer;
    this.form = form;
    this.answers = made.answers;
    this.thresholds = made.thresholds;
  }

  async screenInput(messages: readonly GuardMessage[], signal?: AbortSignal): Promise<Screening> {
    if (!this.file.kinds.includes('input')) return { score: 0, stage: stageOf(this.file) };
    const scores = new RunningScores(this.scorer, this.file.maxLength);
    // In windows, so that a long conversation can be given up between them.
    const { ids } = this.form.prompt(messages);
    for (let start = 0; start < ids.length; start += this.file.maxLength) {
      if (signal?.aborted) throw new TenetError('interrupted', 'Screening was interrupted.');
      await scores.read(ids.slice(start, start + this.file.maxLength), 'last');
    }
    return screeningOf(scores.largest, readoutOf(this.file, 'input'));
  }

  async openOutput(messages: readonly GuardMessage[]): Promise<OutputScreen> {
    if (!this.file.kinds.includes(this.answers)) return noScreen(stageOf(this.file));
    const before = this.form.prompt(this.answers === 'exchange' ? messages : []);
    const scores = new RunningScores(this.scorer, this.file.maxLength);
    await scores.read(before.ids.slice(-Math.floor(this.file.maxLength / 2)), 'none');
    return new ClassifierScreen(this.form.stream(before), scores, readoutOf(this.file, this.answers));
  }

  thresholdFor(what: 'input' | 'output', refusalRate: number): number {
    return thresholdOf(this.file, this.name, what === 'input' ? 'input' : this.answers, refusalRate);
  }

  close(): Promise<void> {
    return this.scorer.release();
  }
}

/** Of a guard that has learnt to judge conversations alone. */
function noScreen(stage: string): OutputScreen {
  const screening: Screening = { score: 0, stage };
  return { push: async () => screening, end: async () => screening, close: () => {} };
}
