/** The conversation: what was said, both answers side by side, the vote, what to say next. */
import { type FormEvent, type ReactNode, useEffect, useRef, useState } from 'react';
import { useKeys, useShortcutSetting } from '../annotate/shortcuts.ts';
import { useStopwatch } from '../annotate/use-stopwatch.ts';
import type { Answer, Conversation, Turn, Voted } from '../base/api.ts';
import { Dialog } from '../base/dialog.tsx';
import { Markdown } from '../base/markdown.tsx';
import { FileTurn } from './file-turn.tsx';
import type { Mode } from './playground-page.tsx';
import { isDone, type Side, sides, type Talk } from './use-conversation.ts';

interface TalkPaneProps {
  readonly talk: Talk;
  readonly mode: Mode;
  /** Other models, or other settings. */
  readonly onNew: () => void;
}

const votes: readonly {
  readonly vote: Voted['vote'];
  readonly text: string;
  readonly keys: readonly string[];
}[] = [
  { vote: 'A', text: 'A is better', keys: ['ArrowLeft', '1'] },
  { vote: 'B', text: 'B is better', keys: ['ArrowRight', '2'] },
  { vote: 'tie', text: 'Tie', keys: ['=', '3'] },
  { vote: 'both-bad', text: 'Both bad', keys: ['x', '4'] },
];
const keyNames: Readonly<Record<string, string>> = { ArrowLeft: '←', ArrowRight: '→' };

export function TalkPane({ talk, mode, onNew }: TalkPaneProps): ReactNode {
  const { conversation, busy, problem } = talk;
  const { id, turns, blind } = conversation!;
  const index = turns.length - 1;
  const turn = turns.at(-1);
  const [from, setFrom] = useState<Side | null>(null);
  const [rationale, setRationale] = useState('');
  const [help, setHelp] = useState(false);
  const box = useRef<HTMLTextAreaElement>(null);
  const answersTitle = useRef<HTMLHeadingElement>(null);
  const [keysOn, setKeysOn] = useShortcutSetting();
  const isWhole = turn !== undefined && sides.every((side) => isDone(turn.answers[side]));
  const stopwatch = useStopwatch(`${id} ${index} ${isWhole}`);
  const goOnFrom = from ?? (turn?.vote === 'B' ? 'B' : 'A');

  // Whoever has read both answers votes; whoever has voted goes on.
  useEffect(() => {
    if (isWhole && turn?.vote === null) answersTitle.current?.focus({ preventScroll: true });
    else if (!busy) box.current?.focus({ preventScroll: true });
  }, [isWhole, busy, turn?.vote]);

  const say = async (text: string): Promise<boolean> => {
    const isSaid = await talk.say(text, turn ? goOnFrom : undefined);
    if (isSaid) {
      setFrom(null);
      setRationale('');
    }
    return isSaid;
  };
  const vote = (given: Voted['vote']): void => {
    const because = rationale.trim();
    void talk.vote(index, given, { ...stopwatch.read(), ...(because && { rationale: because }) });
  };
  useKeys((key) => {
    const found = isWhole && !busy ? votes.find(({ keys }) => keys.includes(key)) : undefined;
    if (found) vote(found.vote);
    else if (key === 'Escape' && busy) talk.stop();
    else if (key === 'r' && turn && !busy && turn.vote === null) void talk.again();
    else if (key === 'n' && !busy) onNew();
    else if (key === '/' || key === 'i') box.current?.focus();
    else if (key === '?') setHelp(true);
    else return false;
    return true;
  }, keysOn);

  return (
    <main className="page playground">
      <header className="page-head">
        <h1>Playground</h1>
        <div className="actions">
          <button type="button" onClick={onNew} disabled={busy}>
            New conversation <kbd>n</kbd>
          </button>
          <button type="button" className="quiet icon" aria-label="Keys" onClick={() => setHelp(true)}>
            ?
          </button>
        </div>
      </header>
      <About conversation={conversation!} mode={mode} />
      <ol className="talk">
        {turns.slice(0, -1).map((past, i) => (
          <PastTurn key={i} turn={past} />
        ))}
      </ol>
      {turn && (
        <section aria-labelledby="answers-title">
          <Said text={turn.text} />
          <h2 id="answers-title" ref={answersTitle} tabIndex={-1} className="unseen">
            Answers
          </h2>
          <div className="pair" aria-busy={busy}>
            {sides.map((side) => (
              <AnswerCard key={side} side={side} turn={turn} answer={turn.answers[side]} />
            ))}
          </div>
          <div className="vote-bar">
            {busy ? (
              <button type="button" onClick={talk.stop}>
                Stop <kbd>Esc</kbd>
              </button>
            ) : (
              <>
                <fieldset className="actions">
                  <legend className="unseen">Your vote</legend>
                  {votes.map(({ vote: one, text, keys }) => (
                    <button
                      key={one}
                      type="button"
                      aria-pressed={turn.vote === one}
                      disabled={!isWhole}
                      onClick={() => vote(one)}
                    >
                      {text} <kbd>{keyNames[keys[0]] ?? keys[0]}</kbd>
                    </button>
                  ))}
                </fieldset>
                {turn.vote === null && (
                  <button
                    type="button"
                    className={isWhole ? 'quiet' : 'primary'}
                    onClick={() => void talk.again()}
                  >
                    Answer again <kbd>r</kbd>
                  </button>
                )}
              </>
            )}
          </div>
          {!busy && isWhole && turn.vote === null && (
            <label className="rationale">
              <span>
                Why <span className="quiet">(optional, stored with your vote)</span>
              </span>
              <input
                value={rationale}
                maxLength={20_000}
                onChange={(event) => setRationale(event.target.value)}
              />
            </label>
          )}
          {turn.vote !== null && (
            <p className="quiet">
              Stored as a label. {blind && turn.models && `A was ${turn.models.A}, B was ${turn.models.B}. `}
              Another vote corrects it.
            </p>
          )}
          {mode === 'red-team' && isWhole && !busy && <FileTurn key={index} conversation={id} turn={index} />}
        </section>
      )}
      {problem && (
        <p className="problem" role="alert">
          {problem}
        </p>
      )}
      <Composer
        box={box}
        busy={busy}
        turn={turn}
        from={goOnFrom}
        onFrom={setFrom}
        onSay={say}
        placeholder={mode === 'red-team' ? 'Try to make them misbehave …' : 'Say something to both …'}
      />
      {help && (
        <Dialog title="Keys" onClose={() => setHelp(false)}>
          <dl className="keys">
            {[
              ...votes.map(({ keys, text }) => ({
                keys: keys.map((key) => keyNames[key] ?? key).join(' or '),
                text,
              })),
              { keys: 'Esc', text: 'stop the answers' },
              { keys: 'r', text: 'have both answer again' },
              { keys: 'i or /', text: 'write' },
              { keys: 'Enter', text: 'send; Shift and Enter: a new line' },
              { keys: 'Tab', text: 'leave what you write, for the other keys' },
              { keys: 'n', text: 'new conversation' },
            ].map(({ keys, text }) => (
              <div key={keys}>
                <dt>
                  <kbd>{keys}</kbd>
                </dt>
                <dd>{text}</dd>
              </div>
            ))}
          </dl>
          <label className="check">
            <input type="checkbox" checked={keysOn} onChange={(event) => setKeysOn(event.target.checked)} />{' '}
            Single keys work on this page
          </label>
        </Dialog>
      )}
    </main>
  );
}

function About({
  conversation,
  mode,
}: {
  readonly conversation: Conversation;
  readonly mode: Mode;
}): ReactNode {
  const { models, blind, sampling, seed, system } = conversation;
  const { temperature, topP, maxTokens } = sampling;
  return (
    <>
      <p className="quiet">
        {mode === 'red-team' && <span className="pill bad">red team</span>}{' '}
        {blind ? `${models[0]} and ${models[1]}, sides drawn` : `A is ${models[0]}, B is ${models[1]}`} ·
        temperature {temperature} · top-p {topP} · up to {maxTokens} tokens · seed {seed}
      </p>
      {system && <p className="quiet plain">{system}</p>}
    </>
  );
}

function Said({ text }: { readonly text: string }): ReactNode {
  return (
    <div className="said">
      <span className="role">You</span>
      <p className="plain">{text}</p>
    </div>
  );
}

/** What was said before: the answer that the conversation went on from, the other on demand. */
function PastTurn({ turn }: { readonly turn: Turn }): ReactNode {
  const { text, answers, models, goneOnFrom } = turn;
  const kept = goneOnFrom ?? 'A';
  const other: Side = kept === 'A' ? 'B' : 'A';
  return (
    <li>
      <Said text={text} />
      <span className="role">{models ? models[kept] : `Answer ${kept}`}</span>
      <Markdown text={answers[kept].text} />
      <details>
        <summary>{models ? models[other] : 'The other answer'}</summary>
        <Markdown text={answers[other].text} />
      </details>
    </li>
  );
}

interface AnswerCardProps {
  readonly side: Side;
  readonly turn: Turn;
  readonly answer: Answer;
}

const ends: Readonly<Record<string, string>> = {
  length: 'cut at the most tokens allowed',
  filter: 'withheld by its provider',
  stopped: 'stopped',
};

function AnswerCard({ side, turn, answer }: AnswerCardProps): ReactNode {
  const { text, finish, problem, outputTokens, ms } = answer;
  const isBetter = turn.vote === side;
  return (
    <section aria-labelledby={`answer-${side}`} data-better={isBetter || undefined}>
      <header>
        <h3 id={`answer-${side}`}>
          <span className="unseen">Answer </span>
          <span className="letter">{side}</span>
        </h3>
        {turn.models && <span className="quiet">{turn.models[side]}</span>}
      </header>
      {text !== '' && <Markdown text={text} />}
      {text === '' && finish === null && <p className="quiet writing">thinking …</p>}
      {text.trim() === '' && finish !== null && !problem && <p className="quiet">(an empty answer)</p>}
      {problem && <p className="problem">{problem}</p>}
      <p className="quiet">
        {[
          finish && ends[finish],
          outputTokens !== null && `${outputTokens} tokens`,
          ms !== null && outputTokens !== null && `${(ms / 1000).toFixed(1)} s`,
        ]
          .filter(Boolean)
          .join(' · ')}
      </p>
    </section>
  );
}

interface ComposerProps {
  readonly box: { readonly current: HTMLTextAreaElement | null };
  readonly busy: boolean;
  readonly turn: Turn | undefined;
  readonly from: Side;
  readonly onFrom: (side: Side) => void;
  /** @returns whether it was said */
  readonly onSay: (text: string) => Promise<boolean>;
  readonly placeholder: string;
}

function Composer({ box, busy, turn, from, onFrom, onSay, placeholder }: ComposerProps): ReactNode {
  const [text, setText] = useState('');
  const send = async (event?: FormEvent): Promise<void> => {
    event?.preventDefault();
    const said = text.trim();
    if (busy || said === '') return;
    setText('');
    if (!(await onSay(said))) setText((since) => since || text);
  };
  return (
    <form className="composer" onSubmit={send}>
      {turn && !busy && (
        <fieldset className="choices row">
          <legend className="unseen">Go on from</legend>
          {sides.map((side) => (
            <label key={side} className="check">
              <input type="radio" name="from" checked={from === side} onChange={() => onFrom(side)} /> go on
              from {side}
            </label>
          ))}
        </fieldset>
      )}
      <div className="composer-line">
        <textarea
          ref={box}
          rows={2}
          aria-label="What to say to both models"
          placeholder={placeholder}
          maxLength={50_000}
          value={text}
          onChange={(event) => setText(event.target.value)}
          onKeyDown={(event) => {
            if (event.key === 'Enter' && !event.shiftKey && !event.nativeEvent.isComposing) void send(event);
            else if (event.key === 'Escape') event.currentTarget.blur();
          }}
        />
        <button type="submit" className="primary" disabled={busy || text.trim() === ''}>
          Send
        </button>
      </div>
    </form>
  );
}
