/** Two responses side by side: a ranking from few comparisons, or their differences by word. */
import { type ReactNode, useMemo, useState } from 'react';
import { announce } from '../base/announcer.tsx';
import { Dialog } from '../base/dialog.tsx';
import { Markdown } from '../base/markdown.tsx';
import { beginPairwise, decide, nextPair, ranksOf } from './pairwise.ts';
import type { Ranks } from './ranking.ts';
import { wordDiff } from './word-diff.ts';

interface Card {
  readonly letter: string;
  readonly text: string;
}

interface CompareDialogProps {
  readonly cards: readonly Card[];
  readonly onRanks: (ranks: Ranks) => void;
  readonly onClose: () => void;
}

export function PairwiseDialog({ cards, onRanks, onClose }: CompareDialogProps): ReactNode {
  const [state, setState] = useState(() => beginPairwise(cards.length));
  const [diff, setDiff] = useState(false);
  const pair = nextPair(state);
  const choose = (better: number | null): void => {
    const next = decide(state, better);
    setState(next);
    const following = nextPair(next);
    if (following) {
      announce(`Now ${cards[following[0]].letter} and ${cards[following[1]].letter}`);
      return;
    }
    onRanks(ranksOf(next, cards.length));
    onClose();
  };
  if (!pair) return null;
  const [a, b] = pair;
  const keys: Readonly<Record<string, number | null>> = {
    ArrowLeft: a,
    '1': a,
    ArrowRight: b,
    '2': b,
    '=': null,
    '0': null,
  };
  return (
    <Dialog title="Which is better?" wide onClose={onClose}>
      {/* biome-ignore lint/a11y/noStaticElementInteractions: the same as the buttons in it */}
      <div
        className="compare"
        onKeyDown={(event) => {
          // A key that is held down has not seen the next two.
          if (event.repeat) return;
          if (event.key === 'w') setDiff(!diff);
          else if (event.key in keys && !event.ctrlKey && !event.metaKey) choose(keys[event.key]);
          else return;
          event.preventDefault();
        }}
      >
        <Pair a={cards[a]} b={cards[b]} diff={diff} />
        <div className="actions center">
          <button type="button" onClick={() => choose(a)}>
            {cards[a].letter} is better <kbd>←</kbd>
          </button>
          <button type="button" onClick={() => choose(null)}>
            Equal <kbd>=</kbd>
          </button>
          <button type="button" onClick={() => choose(b)}>
            {cards[b].letter} is better <kbd>→</kbd>
          </button>
        </div>
        <div className="actions center">
          <label className="check">
            <input type="checkbox" checked={diff} onChange={() => setDiff(!diff)} /> Differences by word{' '}
            <kbd>w</kbd>
          </label>
          <span className="quiet">{state.waiting.length} still to place</span>
        </div>
      </div>
    </Dialog>
  );
}

interface DiffDialogProps {
  readonly cards: readonly Card[];
  /** Cards to begin with. */
  readonly begin: readonly [number, number];
  readonly onClose: () => void;
}

export function DiffDialog({ cards, begin, onClose }: DiffDialogProps): ReactNode {
  const [[a, b], setPair] = useState(begin);
  const choice = (value: number, label: string, onChange: (card: number) => void): ReactNode => (
    <label>
      {label}{' '}
      <select value={value} onChange={(event) => onChange(Number(event.target.value))}>
        {cards.map(({ letter }, i) => (
          <option key={letter} value={i}>
            {letter}
          </option>
        ))}
      </select>
    </label>
  );
  return (
    <Dialog title="Differences by word" wide onClose={onClose}>
      <div className="actions">
        {choice(a, 'Left', (card) => setPair([card, b]))}
        {choice(b, 'Right', (card) => setPair([a, card]))}
      </div>
      <Pair a={cards[a]} b={cards[b]} diff />
    </Dialog>
  );
}

function Pair({ a, b, diff }: { readonly a: Card; readonly b: Card; readonly diff: boolean }): ReactNode {
  const pieces = useMemo(() => (diff ? wordDiff(a.text, b.text) : null), [a, b, diff]);
  return (
    <div className="pair">
      {[a, b].map((card, side) => (
        <section key={side} aria-label={`Response ${card.letter}`}>
          <h3>
            <span className="letter">{card.letter}</span>
          </h3>
          {pieces ? (
            <p className="plain" dir="auto">
              {pieces[side].map(({ text, own }, i) =>
                own ? (
                  <mark key={i} data-side={side}>
                    {text}
                  </mark>
                ) : (
                  <span key={i}>{text}</span>
                ),
              )}
            </p>
          ) : (
            <Markdown text={card.text} />
          )}
        </section>
      ))}
    </div>
  );
}
