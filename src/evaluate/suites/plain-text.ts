/**
 * Perplexity on plain text: what alignment has cost the model of its knowledge of language (the alignment tax).
 * @see Askell et al. 2021, arXiv:2112.00861; Ouyang et al. 2022, arXiv:2203.02155, section 4.2
 */
import { readFile } from 'node:fs/promises';
import { basename } from 'node:path';
import { promisify } from 'node:util';
import { gunzip } from 'node:zlib';
import { TenetError } from '../../base/index.ts';
import { meanFigure } from '../figure.ts';
import { askEach, type Suite, sampled } from '../suite.ts';

/** Characters of a piece of text; whole words. */
const pieceLength = 600;
/** Pieces of each file that are read where no limit is given. */
const usualPieces = 100;

export const plainTextSuite: Suite = {
  name: 'plain-text',
  title: 'Plain text: what alignment has cost',
  about: 'bits per byte of plain text; local models only',
  files: ['corpus/wiki_demo.txt.gz', 'corpus/wizard_of_oz.txt.gz', 'corpus/'],
  async run(context) {
    if (!context.textScorer) {
      throw new TenetError(
        'usage',
        `Suite ${this.name} reads log-probabilities of plain text, which only local models give; leave it out for ${context.model.id}.`,
      );
    }
    const paths = [...new Set(await context.data.findSome(this.files, this.name))].filter((path) =>
      /\.txt(\.gz)?$/.test(path),
    );
    const scorer = await context.textScorer();
    const limited = { ...context, limit: context.limit ?? usualPieces };
    const pieces = (
      await Promise.all(paths.map(async (path) => sampled(piecesOf(path, await textOf(path)), limited)))
    ).flat();
    const { done, failed } = await askEach(pieces, context, async ({ text }) => scorer.score(text));
    return {
      suite: this.name,
      title: this.title,
      figures: [
        meanFigure(
          'bits per byte',
          'bits',
          done.map(({ item, value }) => [item.id, value.nats / Math.LN2 / value.bytes]),
          { better: 'lower', landmarks: [{ name: 'knows nothing', value: 8 }] },
        ),
        meanFigure(
          'log-perplexity of a token',
          'nats',
          done.map(({ item, value }) => [item.id, value.nats / value.tokens]),
          { better: 'lower' },
        ),
      ],
      answers: [],
      failed,
      note: `Pieces of ${pieceLength} characters; of each the first third is given and the rest is counted. Compare bits per byte between models, perplexity only where they share a tokenizer.`,
    };
  },
};

async function textOf(path: string): Promise<string> {
  const bytes = await readFile(path);
  return (path.endsWith('.gz') ? await promisify(gunzip)(bytes) : bytes).toString('utf8');
}

/** Pieces that follow one another, cut at spaces. */
export function piecesOf(path: string, text: string): { readonly id: string; readonly text: string }[] {
  const name = basename(path).replace(/\..*$/, '');
  const pieces: { id: string; text: string }[] = [];
  const flat = text.replace(/\s+/g, ' ').trim();
  for (let start = 0; start + pieceLength <= flat.length; ) {
    const space = flat.lastIndexOf(' ', start + pieceLength);
    const end = space > start ? space : start + pieceLength;
    pieces.push({ id: `${name}/${start}`, text: flat.slice(start, end) });
    start = end + 1;
  }
  return pieces;
}
