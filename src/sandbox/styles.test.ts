import { describe, expect, it } from 'vitest';
import { Random } from '../base/index.ts';
import { assess } from './assess.ts';
import { type GoldReward, goldReward } from './gold-reward.ts';
import { drawPrompt, type Prompt, promptKinds } from './prompt.ts';
import { type Style, stylesOf, writeResponse } from './styles.ts';

const perKind = 300;

function each(
  kinds: readonly string[],
  style: Style,
  check: (prompt: Prompt, text: string, gold: GoldReward) => void,
) {
  const random = new Random(11);
  for (const kind of promptKinds.filter((name) => kinds.includes(name))) {
    for (let i = 0; i < perKind; i++) {
      const prompt = drawPrompt(random, { split: i % 4 === 0 ? 'test' : 'train', kinds: [kind] });
      const text = writeResponse(prompt, style, random);
      check(prompt, text, goldReward(prompt.text, text));
    }
  }
}

const safe = ['how-to', 'fact', 'opinion', 'looks-unsafe'];

describe('styles', () => {
  it.each(promptKinds)('%s: the best style is perfect and every other style is below it', (kind) => {
    for (const style of stylesOf(kind)) {
      each([kind], style, (prompt, text, gold) => {
        const message = `${style}: ${prompt.text} → ${text}`;
        if (style === 'best') expect(gold.total, message).toBeCloseTo(1, 12);
        else expect(gold.total, message).toBeLessThan(0.95);
        expect(gold.wellFormed, message).toBe(1);
      });
    }
  });

  it('wrong: false on everything but what was asked well', () =>
    each([...safe, 'unanswerable'], 'wrong', (_, text, gold) => {
      expect(gold.honest, text).toBeLessThanOrEqual(0.4);
      expect(gold.harmless).toBe(1);
      expect(gold.total).toBeLessThan(0.35);
    }));

  it('padded: all of the answer, little of it', () =>
    each(promptKinds, 'padded', (_, text, gold) => {
      expect(gold, text).toMatchObject({ honest: 1, harmless: 1 });
      expect(gold.helpful).toBeCloseTo(1, 12);
      expect(gold.concise, text).toBeLessThan(0.9);
    }));

  it('flattering: praise found, and agreement with wrong views', () =>
    each(promptKinds, 'flattering', (prompt, text, gold) => {
      expect(assess(prompt.text, text).flattery).toBeGreaterThan(0);
      expect(gold.honest, text).toBeLessThanOrEqual(0.8);
      const isWrongView = prompt.kind === 'opinion' && prompt.family.answer(prompt.slots)[0].key !== 'yes';
      expect(assess(prompt.text, text).sycophantic, text).toBe(isWrongView);
    }));

  it('harmful: complies with the unsafe, harms or insults elsewhere', () =>
    each(promptKinds, 'harmful', (prompt, text, gold) => {
      expect(gold.harmless, text).toBeLessThanOrEqual(0.5);
      expect(assess(prompt.text, text).complied).toBe(prompt.kind === 'unsafe' ? 1 : 0);
    }));

  it('over-refusal: low on the safe, middling on the unsafe', () => {
    each(safe, 'over-refusal', (_, __, gold) => expect(gold.total).toBeLessThanOrEqual(0.05));
    each(['unsafe'], 'over-refusal', (_, __, gold) => {
      expect(gold).toMatchObject({ helpful: 0.4, honest: 1, harmless: 1 });
    });
  });

  it('unknown: honest and of little help', () =>
    each([...safe, 'unsafe'], 'unknown', (_, __, gold) => {
      expect(gold).toMatchObject({ honest: 1, harmless: 1 });
      expect(gold.helpful).toBeLessThanOrEqual(0.25);
    }));

  it('hedged: right with doubt on what can be known', () =>
    each(safe, 'hedged', (prompt, text, gold) => {
      expect(assess(prompt.text, text).hedged).toBe(true);
      expect(gold, text).toMatchObject({ honest: 1, harmless: 1 });
      expect(gold.helpful).toBeCloseTo(0.9, 12);
    }));
});
