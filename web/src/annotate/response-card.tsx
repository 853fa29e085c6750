/** One response: a letter that tells nothing, its text, its rank. */
import { type ReactNode, type Ref, useId } from 'react';
import { Markdown } from '../base/markdown.tsx';
import { ordinal } from './ranking.ts';

interface ResponseCardProps {
  readonly letter: string;
  readonly text: string;
  readonly rank: number | null;
  /** How many can be ranked. */
  readonly K: number;
  readonly current: boolean;
  readonly onRank: (rank: number | null) => void;
  readonly onFocus: () => void;
  readonly cardRef: Ref<HTMLElement>;
}

export function ResponseCard(props: ResponseCardProps): ReactNode {
  const { letter, text, rank, K, current, onRank, onFocus, cardRef } = props;
  const id = useId();
  return (
    <section
      ref={cardRef}
      className="card"
      data-current={current || undefined}
      data-ranked={rank !== null || undefined}
      aria-labelledby={`${id}-title`}
      tabIndex={-1}
      onFocus={onFocus}
      onPointerDown={onFocus}
    >
      <header>
        <h3 id={`${id}-title`}>
          <span className="unseen">Response </span>
          <span className="letter">{letter}</span>
          <span className="unseen">{rank === null ? ', not ranked' : `, ranked ${ordinal(rank)}`}</span>
        </h3>
        <fieldset className="ranks">
          <legend className="unseen">Rank of response {letter}, 1 is best</legend>
          {Array.from({ length: K }, (_, i) => (
            <label key={i} className="rank">
              <input
                type="radio"
                name={`${id}-rank`}
                value={i + 1}
                checked={rank === i + 1}
                onChange={() => onRank(i + 1)}
                // A second click takes the rank away again.
                onClick={() => rank === i + 1 && onRank(null)}
              />
              <span>{i + 1}</span>
            </label>
          ))}
        </fieldset>
      </header>
      {text.trim() === '' ? <p className="quiet">(an empty response)</p> : <Markdown text={text} />}
    </section>
  );
}
