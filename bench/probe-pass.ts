/**
 * What linear probes add to the time that a model takes to answer: in the model's own pass, and in a pass of their own
 * beside it, as before a model on another server.
 */
import { Random } from '../src/base/index.ts';
import { ProbeScorer } from '../src/guard/probe/probe-scorer.ts';
import {
  decoderSpecs,
  Generator,
  initialiseParameters,
  makeLlamaConfig,
  ParameterStore,
} from '../src/model/index.ts';
import { type BenchmarkSettings, median, type Row, timeOf } from './benchmark.ts';

const promptTokens = 64;
const newTokens = 128;
/** A verdict on the conversation and one on the answer. */
const probes = 2;

export interface ProbedSize {
  readonly width: number;
  readonly layers: number;
  readonly vocabSize: number;
}

/** @param streams answers at once */
export async function measureProbes(
  { width, layers, vocabSize }: ProbedSize,
  streams: number,
  { threads, quick }: BenchmarkSettings,
): Promise<Row[]> {
  const config = makeLlamaConfig({
    ...{ width, layers, vocabSize, heads: width / 32, maxPositions: promptTokens + newTokens },
    innerWidth: Math.ceil((width * 8) / 3 / 32) * 32,
  });
  const parameters = new ParameterStore(decoderSpecs(config));
  const random = new Random(1);
  initialiseParameters(parameters, random);
  const read = [Math.floor(layers / 2), layers - 2]; // as `tenet guard train --probe` chooses them
  const rows = Array.from({ length: probes }, () =>
    Array.from({ length: read.length * width + 1 }, () => random.normal()),
  );
  const probe = { layers: read, rows };
  const plain = await Generator.create(config, parameters, { threads });
  const probed = await Generator.create(config, parameters, { threads, probe });
  const own = await ProbeScorer.create(config, parameters, { ...probe, window: 8 }, { threads });
  const requests = Array.from({ length: streams }, (_, i) => ({
    prompt: Int32Array.from({ length: promptTokens }, (__, t) => (t * 37 + 101 * i) % vocabSize),
    ...{ maxNewTokens: newTokens, seed: i },
  }));
  const answers = await plain.generate(requests);
  const ways = {
    plain: () => plain.generate(requests),
    shared: () => probed.generate(requests, { onPrompt: () => {}, onRead: () => {} }),
    // Each token as it comes: an answer is let out token by token.
    own: async () => {
      for (const [i, { prompt }] of requests.entries()) {
        const reader = own.open();
        await reader.read(prompt);
        for (const id of answers[i].ids) await reader.read([id]);
      }
    },
  };
  const times = { plain: [] as number[], shared: [] as number[], own: [] as number[] };
  // Turn about, so that what else the machine does befalls all alike.
  for (let i = -1; i < (quick ? 1 : 12); i++) {
    // A pass of its own takes so much longer that a few times tell.
    for (const way of [...(['plain', 'shared'] as const), ...(i < 3 ? (['own'] as const) : [])]) {
      const time = await timeOf(ways[way]);
      if (i >= 0) times[way].push(time);
    }
  }
  await plain.release();
  await probed.release();
  await own.release();
  const [alone, beside] = [median(times.plain), median(times.own)];
  // Of runs that followed one another, since the machine has better and worse minutes.
  const within = median(times.shared.map((time, i) => time - times.plain[i]));
  const row = (what: string, added: number): Row => ({
    what: `${what}, ${(parameters.count / 1e6).toFixed(1)} M parameters, answers at once: ${streams}`,
    ratio: alone / (alone + added),
    of: 'speed without probes',
    measured: {
      'ms per answer without': alone / streams,
      'ms per answer added': added / streams,
      '% of generation added': (100 * added) / alone,
    },
  });
  return [row('probes in the served model’s own pass', within), row('probes in a pass of their own', beside)];
}
