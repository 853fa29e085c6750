/** Opens a folder that `tenet guard train` made. */
import { basename, join, resolve } from 'node:path';
import { TenetError } from '../../base/index.ts';
import { loadModelFolder, TokenScorer } from '../../model/index.ts';
import { loadTokenizer, type Tokenizer } from '../../text/index.ts';
import { ProbeScorer, type StreamScorer } from '../probe/probe-scorer.ts';
import type { GuardMessage, OutputScreen, Screening } from '../screen.ts';
import type { ClassifierGuard, OpenClassifierOptions } from './classifier-guard.ts';
import { ClassifierScreen, type Readout, RunningScores, screeningOf } from './classifier-screen.ts';
import { type GuardFile, readGuardFile, thresholdOf } from './guard-file.ts';
import { type GuardKind, headNames } from './heads.ts';
import { Transcript } from './transcript.ts';

/**
 * @param folder a model folder with `guard.json`
 * @throws TenetError('model') for a folder that is none; TenetError('usage') for a kind that the guard has not learnt
 */
export async function openClassifierGuard(
  folder: string,
  options: OpenClassifierOptions = {},
): Promise<ClassifierGuard> {
  const file = await readGuardFile(folder);
  const { answers = file.kinds.includes('exchange') ? 'exchange' : 'output' } = options;
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
  const { scorer, tokenizer } = await openScorer(folder, file, options);
  const stage = file.probe ? 'probe' : 'classifier';
  const name = `${stage}:${basename(resolve(folder))}@${file.weightsHash.slice(7, 15)}`;
  return new FolderGuard(name, file, scorer, tokenizer, { answers, refusalRate: options.refusalRate });
}

/** What scores the tokens: the folder's own model, or probes on the states of another. */
async function openScorer(
  folder: string,
  { kinds, categories, probe }: GuardFile,
  { precision = 'float32', threads }: OpenClassifierOptions,
): Promise<{ readonly scorer: StreamScorer; readonly tokenizer: Tokenizer }> {
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
    return { tokenizer, scorer: await ProbeScorer.create(config, parameters, probe, { threads }) };
  }
  const names = headNames(kinds, categories);
  if (model.heads?.names.length !== names.length) {
    throw new TenetError(
      'model',
      `${folder}: guard.json names ${names.length} scores, and the model has ${model.heads?.names.length ?? 0}; the two do not belong together.`,
    );
  }
  return { tokenizer, scorer: await TokenScorer.create(config, parameters, { precision, threads }) };
}

/** Share of harmless traffic that may be refused where nobody says. */
const usualRefusalRate = 0.01;

class FolderGuard implements ClassifierGuard {
  readonly name: string;
  readonly file: GuardFile;
  private readonly scorer: StreamScorer;
  private readonly transcript: Transcript;
  private readonly answers: 'output' | 'exchange';
  readonly thresholds: { readonly input?: number; readonly output?: number };

  constructor(
    name: string,
    file: GuardFile,
    scorer: StreamScorer,
    tokenizer: Tokenizer,
    { answers, refusalRate }: { readonly answers: 'output' | 'exchange'; readonly refusalRate?: number },
  ) {
    this.name = name;
    this.file = file;
    this.scorer = scorer;
    this.transcript = new Transcript(tokenizer);
    this.answers = answers;
    const has = (kind: GuardKind): boolean => (file.calibration.kinds[kind]?.thresholds.length ?? 0) > 0;
    const rate = refusalRate ?? usualRefusalRate;
    this.thresholds = {
      ...(has('input') && { input: this.thresholdFor('input', rate) }),
      ...(has(answers) && { output: this.thresholdFor('output', rate) }),
    };
  }

  async screenInput(messages: readonly GuardMessage[], signal?: AbortSignal): Promise<Screening> {
    if (!this.file.kinds.includes('input')) return { score: 0, stage: this.stage };
    const scores = new RunningScores(this.scorer, this.file.maxLength);
    // In windows, so that a long conversation can be given up between them.
    const { ids } = this.transcript.prompt(messages);
    for (let start = 0; start < ids.length; start += this.file.maxLength) {
      if (signal?.aborted) throw new TenetError('interrupted', 'Screening was interrupted.');
      await scores.read(ids.slice(start, start + this.file.maxLength), 'last');
    }
    return screeningOf(scores.largest, this.readout('input'));
  }

  async openOutput(messages: readonly GuardMessage[]): Promise<OutputScreen> {
    const before = this.transcript.prompt(this.answers === 'exchange' ? messages : []);
    const scores = new RunningScores(this.scorer, this.file.maxLength);
    if (this.file.kinds.includes(this.answers)) {
      await scores.read(before.ids.slice(-Math.floor(this.file.maxLength / 2)), 'none');
    }
    return new ClassifierScreen(this.transcript.stream(before.text), scores, this.readout(this.answers));
  }

  thresholdFor(what: 'input' | 'output', refusalRate: number): number {
    return thresholdOf(this.file, this.name, what === 'input' ? 'input' : this.answers, refusalRate);
  }

  close(): Promise<void> {
    return this.scorer.release();
  }

  private get stage(): string {
    return this.file.probe ? 'probe' : 'classifier';
  }

  private readout(kind: GuardKind): Readout {
    const { kinds, categories, calibration } = this.file;
    const names = headNames(kinds, categories);
    return {
      head: kinds.indexOf(kind),
      scaling: calibration.kinds[kind]?.scaling ?? { slope: 1, intercept: 0 },
      categories: categories.map((name) => ({
        name,
        head: names.indexOf(`category/${name}`),
        scaling: calibration.categories[name] ?? { slope: 1, intercept: 0 },
      })),
      stage: this.stage,
    };
  }
}
