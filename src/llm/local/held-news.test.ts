import { expect, it } from 'vitest';
import { HeldNews } from './held-news.ts';
import type { EngineNews } from './protocol.ts';

it('tells nothing of a token before it is read, and each piece of text with the numbers up to it', () => {
  const sent: EngineNews[] = [];
  const held = new HeldNews((news) => sent.push(news));
  const token = (id: number): EngineNews => ({
    ...{ kind: 'token', id: 7, token: { id, text: '', bytes: [], isControl: false } },
  });
  const text = (piece: string): EngineNews => ({ kind: 'text', id: 7, piece });
  const read = (...numbers: number[]): void => held.read(Float32Array.from(numbers));

  // The first token spells nothing yet; the second ends two pieces.
  held.add(token(1));
  expect(sent.splice(0)).toEqual([]);
  read(1, 10);
  expect(sent.splice(0)).toEqual([token(1)]);
  for (const news of [token(2), text('a'), text('b')]) held.add(news);
  expect(sent).toEqual([]);
  read(2, 20);
  expect(sent.splice(0)).toEqual([
    token(2),
    { ...text('a'), probe: Float32Array.of(1, 10, 2, 20) },
    { ...text('b'), probe: new Float32Array() },
  ]);

  // A control token that ends the text is not read; what is left goes out at the end.
  held.add(token(3));
  read(3, 30);
  held.add(token(4));
  held.release();
  expect(sent.splice(0)).toEqual([token(3), token(4)]);
  expect(held.takeNumbers()).toEqual(Float32Array.of(3, 30));
});
