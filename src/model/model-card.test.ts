import { expect, it } from 'vitest';
import { parse } from 'yaml';
import { type ModelCard, renderModelCard } from './model-card.ts';

const card: ModelCard = {
  name: 'Tiny helper',
  summary: 'Answers short questions.',
  license: 'apache-2.0',
  baseModel: 'karpathy/tinyllamas',
  language: ['en'],
  tags: ['rlhf'],
  tenetVersion: '0.1.0',
  stages: [
    {
      name: 'sft',
      description: 'On first turns.',
      data: [{ name: 'hh|train', hash: 'sha256:ab', rows: 4200 }],
      settings: { learningRate: 1e-5, packing: true },
      metrics: { 'loss (nats)': 1.234567, steps: 40 },
    },
  ],
  limitations: 'Small.',
};

it('has front matter that the Hub reads, and says how the model was made', () => {
  const text = renderModelCard(card, { head: 'causal', weightsHash: 'sha256:cd' });
  const [, frontMatter, body] = text.split(/^---\n/m);
  expect(parse(frontMatter)).toEqual({
    license: 'apache-2.0',
    base_model: 'karpathy/tinyllamas',
    language: ['en'],
    library_name: 'transformers',
    pipeline_tag: 'text-generation',
    tags: ['tenet', 'rlhf'],
  });
  for (const part of [
    '# Tiny helper',
    '### 1. sft',
    '| hh\\|train | 4200 | `sha256:ab` |',
    '| learningRate | 0.00001 |',
    '| loss (nats) | 1.235 |',
    '| steps | 40 |',
    'sha256:cd',
    '## Limitations',
  ]) {
    expect(body).toContain(part);
  }
});

it('keeps local paths out of the front matter, and marks reward models', () => {
  const text = renderModelCard(
    { name: 'x', summary: 'y', baseModel: '../models/base', stages: [] },
    { head: 'reward', weightsHash: 'sha256:cd' },
  );
  const frontMatter = parse(text.split(/^---\n/m)[1]);
  expect(frontMatter).not.toHaveProperty('base_model');
  expect(frontMatter).toMatchObject({ pipeline_tag: 'text-classification', tags: ['tenet', 'reward-model'] });
  expect(text).toContain('AutoModelForSequenceClassification');
});
