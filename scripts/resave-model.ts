/**
 * Loads a model folder with Tenet and saves it again: the first half of the check that transformers reads
 * what Tenet writes (`check-transformers.py` is the second).
 *
 *   npx tsx scripts/resave-model.ts IN OUT [--dtype float32|float16|bfloat16] [--shard BYTES] [--reward SEED [--heads NUMBER]]
 *
 * --reward turns a causal model into a reward model with a head of so many rows drawn from SEED, to check that layout too.
 */
import { parseArgs } from 'node:util';
import { Random } from '../src/base/random.ts';
import type { FloatDtype } from '../src/model/float-formats.ts';
import { initialiseParameters } from '../src/model/initialise.ts';
import { loadModelFolder } from '../src/model/load-model.ts';
import { ParameterStore } from '../src/model/parameter-store.ts';
import { decoderSpecs, scalarHeadSpec, scoreHeadName } from '../src/model/parameters.ts';
import { saveModelFolder } from '../src/model/save-model.ts';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    dtype: { type: 'string', default: 'float32' },
    shard: { type: 'string' },
    reward: { type: 'string' },
    heads: { type: 'string', default: '1' },
  },
});
const [input, output] = positionals;
if (!input || !output) throw new Error('Give the folder to load and the folder to save.');

const rows = Number(values.heads);
const objectives = Array.from({ length: rows }, (_, i) => `objective ${i}`);
const model = await loadModelFolder(input);
let { parameters, head } = model;
if (values.reward !== undefined) {
  const reward = new ParameterStore([...decoderSpecs(model.config), scalarHeadSpec(model.config, { rows })]);
  initialiseParameters(reward, new Random(Number(values.reward)), reward.copyShared(parameters));
  parameters = reward;
  head = 'reward';
  console.log(`${scoreHeadName}: ${parameters.view(scoreHeadName).slice(0, 4).join(', ')} …`);
}
const saved = await saveModelFolder(output, {
  config: model.config,
  parameters,
  head,
  ...(head === 'reward' && rows > 1 && { heads: { kind: 'objectives', names: objectives, means: null } }),
  dtype: values.dtype as FloatDtype,
  maxShardBytes: values.shard === undefined ? undefined : Number(values.shard),
  tokenizerFiles: model.tokenizerFiles,
  generationConfig: model.generationConfig,
  card: { name: 'Saved again', summary: 'A copy made by Tenet to check its files.', stages: [] },
});
console.log(`${saved.files.join(' ')}\n${saved.weightsHash}`);
