/** One task: prompt, responses, ranking, flags, rationale. */
import { type ReactNode, useEffect, useMemo, useRef, useState } from 'react';
import { announce } from '../base/announcer.tsx';
import { ask, type Label, type TaskView } from '../base/api.ts';
import { roomy } from '../base/kept.ts';
import { DiffDialog, PairwiseDialog } from './compare-dialog.tsx';
import { Conversation } from './conversation.tsx';
import { inWords, judged, moved, noRanks, type Ranks, withRank } from './ranking.ts';
import { RankingStrip } from './ranking-strip.tsx';
import { ResponseCard } from './response-card.tsx';
import { useKeys, useShortcutSetting } from './shortcuts.ts';
import { SkipDialog, type SkipReason } from './skip-dialog.tsx';
import type { Stopwatch } from './stopwatch.ts';
import { useStopwatch } from './use-stopwatch.ts';

export type Flag = NonNullable<Label['flags']>[number];

export interface Answer {
  readonly ranks: Ranks;
  readonly flags: readonly Flag[];
  readonly rationale: string;
}

export interface Times {
  readonly activeMs: number;
  readonly idleMs: number;
}

interface TaskPaneProps {
  readonly task: TaskView;
  /** Who is at work on it: people who share a browser keep their drafts apart. */
  readonly person: string;
  /** What was answered before, when it is being corrected. */
  readonly before?: Answer;
  readonly skipReasons: readonly SkipReason[];
  readonly submitLabel: string;
  readonly onSubmit: (answer: Answer, times: Times) => void;
  /** Left out where a task cannot be skipped. */
  readonly onSkip?: (reason: string, note: string, times: Times) => void;
  readonly onUndo?: () => void;
  readonly onGuideline?: () => void;
  readonly onHelp: () => void;
  /** Where drafts go; left out where none are kept. */
  readonly draftPath?: string;
  /** Stands between prompt and responses. */
  readonly aside?: ReactNode;
}

const flagTexts: readonly { readonly flag: Flag; readonly text: string; readonly key: string }[] = [
  { flag: 'all-bad', text: 'All are bad', key: 'x' },
  { flag: 'unsafe', text: 'Something is unsafe', key: '!' },
  { flag: 'cannot-judge', text: 'I cannot judge this', key: 'n' },
];
const draftAfterMs = 800;
const moving = /^Arrow/;

export function TaskPane(props: TaskPaneProps): ReactNode {
  const { task, person, before, skipReasons, onSubmit, onSkip, onUndo, onGuideline, onHelp, draftPath } =
    props;
  const K = task.cards.length;
  const letters = task.cards.map(({ letter }) => letter);
  const draft = draftPath === undefined ? null : { key: draftKey(person, task.taskId), path: draftPath };
  const begun = useMemo(() => before ?? keptAnswer(task, draft?.key), [before, task, draft?.key]);
  const [ranks, setRanksState] = useState<Ranks>(begun.ranks);
  const [flags, setFlags] = useState<readonly Flag[]>(begun.flags);
  const [rationale, setRationale] = useState(begun.rationale);
  const [current, setCurrent] = useState(0);
  const [shown, setShown] = useState(task.contentWarning === null);
  const [dialog, setDialog] = useState<'pairwise' | 'diff' | 'skip' | null>(null);
  const [problem, setProblem] = useState<string | null>(null);
  const [keysOn] = useShortcutSetting();
  const cards = useRef<(HTMLElement | null)[]>([]);
  const rationaleBox = useRef<HTMLTextAreaElement>(null);
  const heading = useRef<HTMLHeadingElement>(null);
  const stopwatch = useStopwatch(task.taskId);

  useEffect(() => heading.current?.focus({ preventScroll: true }), []);
  useDraft(draft, { ranks, flags, rationale }, begun, stopwatch);

  const setRanks = (next: Ranks): void => {
    setRanksState(next);
    setProblem(null);
    announce(inWords(next, letters));
  };
  const goTo = (card: number): void => {
    setCurrent(card);
    cards.current[card]?.focus({ preventScroll: true });
    cards.current[card]?.scrollIntoView({ block: 'nearest', behavior: quietly() });
  };
  const rank = (card: number, place: number | null): void => {
    setRanks(withRank(ranks, card, place));
  };
  const toggle = (flag: Flag): void => {
    const next = flags.includes(flag) ? flags.filter((one) => one !== flag) : [...flags, flag];
    setFlags(next);
    setProblem(null);
    const text = flagTexts.find((one) => one.flag === flag)!.text;
    announce(`${text}: ${next.includes(flag) ? 'flagged' : 'not flagged'}`);
  };
  const complain = (text: string): void => {
    setProblem(text);
    announce(text);
  };
  const submit = (): void => {
    if (!shown) complain('Show the content first, or skip the task.');
    else if (judged(ranks) < 2 && flags.length === 0) {
      complain('Rank at least two responses, or flag or skip the task.');
    } else onSubmit({ ranks, flags, rationale }, stopwatch.read());
  };

  useKeys(
    (key, event) => {
      const target = event.target as HTMLElement;
      if (key === '?') onHelp();
      else if (key === 'u' && onUndo) onUndo();
      else if (key === 's' && onSkip) setDialog('skip');
      else if (key === 'g' && onGuideline) onGuideline();
      else if (key === 'r') rationaleBox.current?.focus();
      else if (key === 'Enter') {
        if (target.closest('button, a, summary')) return false;
        submit();
      } else if (!shown) {
        if (key !== 'v') return false;
        setShown(true);
      } else if (/^[a-z]$/.test(key) && key.charCodeAt(0) - 97 < K && key <= 'f')
        goTo(key.charCodeAt(0) - 97);
      else if (/^[1-9]$/.test(key)) {
        if (Number(key) > K) return false;
        const next = withRank(ranks, current, Number(key));
        setRanks(next);
        // On to the next that has none, so that a ranking is as many keys as responses.
        const following = [...next.keys()]
          .map((i) => (current + 1 + i) % K)
          .find((card) => next[card] === null);
        if (following !== undefined) goTo(following);
      } else if (key === '0' || key === 'Backspace' || key === 'Delete') rank(current, null);
      else if (key === 'ArrowUp' || key === 'ArrowDown') {
        if (isRadio(target)) return false;
        setRanks(moved(ranks, current, key === 'ArrowUp' ? -1 : 1));
      } else if (key === 'ArrowLeft' || key === 'ArrowRight') {
        if (isRadio(target)) return false;
        goTo((current + (key === 'ArrowRight' ? 1 : K - 1)) % K);
      } else if (key === 'p') setDialog('pairwise');
      else if (key === 'w') setDialog('diff');
      else {
        const flagged = flagTexts.find((one) => one.key === key);
        if (!flagged) return false;
        toggle(flagged.flag);
      }
      return true;
    },
    keysOn,
    moving,
  );

  return (
    <div className="task">
      <section className="prompt-side" aria-labelledby="prompt-title">
        <h2 id="prompt-title" ref={heading} tabIndex={-1}>
          Prompt
        </h2>
        {shown ? <Conversation prompt={task.prompt} /> : <p className="quiet">Hidden, see the note.</p>}
        {props.aside}
        {task.suggestion && shown && <Suggestion suggestion={task.suggestion} letters={letters} />}
      </section>
      <section className="responses" aria-labelledby="responses-title">
        <header>
          <h2 id="responses-title">Responses</h2>
          <button type="button" className="quiet" onClick={() => setDialog('pairwise')} disabled={!shown}>
            Two at a time <kbd>p</kbd>
          </button>
          <button type="button" className="quiet" onClick={() => setDialog('diff')} disabled={!shown}>
            Differences <kbd>w</kbd>
          </button>
        </header>
        {shown ? (
          <div className="cards" data-count={K}>
            {task.cards.map(({ letter, text }, i) => (
              <ResponseCard
                key={letter}
                letter={letter}
                text={text}
                rank={ranks[i]}
                K={K}
                current={i === current}
                onRank={(place) => rank(i, place)}
                onFocus={() => setCurrent(i)}
                cardRef={(element) => {
                  cards.current[i] = element;
                }}
              />
            ))}
          </div>
        ) : (
          <div className="warning-cover">
            <p className="serif">{task.contentWarning}</p>
            <p className="quiet">Not everyone wants to read this. You may skip the task.</p>
            <div className="actions center">
              <button type="button" onClick={() => setShown(true)}>
                Show it <kbd>v</kbd>
              </button>
              {onSkip && (
                <button type="button" onClick={() => setDialog('skip')}>
                  Skip <kbd>s</kbd>
                </button>
              )}
            </div>
          </div>
        )}
        <div className="judgement">
          <fieldset className="flags">
            <legend className="unseen">Flags</legend>
            {flagTexts.map(({ flag, text, key }) => (
              <label key={flag} className="check">
                <input type="checkbox" checked={flags.includes(flag)} onChange={() => toggle(flag)} /> {text}{' '}
                <kbd>{key}</kbd>
              </label>
            ))}
          </fieldset>
          <label className="rationale">
            <span>
              Why <span className="quiet">(optional)</span> <kbd>r</kbd>
            </span>
            <textarea
              ref={rationaleBox}
              rows={2}
              maxLength={20_000}
              value={rationale}
              onChange={(event) => setRationale(event.target.value)}
              onKeyDown={(event) => {
                if (event.key === 'Escape') goTo(current);
                if (event.key === 'Enter' && (event.ctrlKey || event.metaKey)) submit();
              }}
            />
          </label>
        </div>
      </section>
      <section className="dock" aria-label="Ranking">
        {shown && (
          <RankingStrip ranks={ranks} letters={letters} current={current} onRank={rank} onGoTo={goTo} />
        )}
        {problem && (
          <p className="problem" role="alert">
            {problem}
          </p>
        )}
        <div className="actions">
          <span className="spring" />
          {onUndo && (
            <button type="button" className="quiet" onClick={onUndo}>
              Undo <kbd>u</kbd>
            </button>
          )}
          {onSkip && (
            <button type="button" onClick={() => setDialog('skip')}>
              Skip <kbd>s</kbd>
            </button>
          )}
          <button type="button" className="primary" onClick={submit}>
            {props.submitLabel} <kbd>Enter</kbd>
          </button>
        </div>
      </section>
      {dialog === 'pairwise' && (
        <PairwiseDialog cards={task.cards} onRanks={setRanks} onClose={() => setDialog(null)} />
      )}
      {dialog === 'diff' && (
        <DiffDialog cards={task.cards} begin={[current, (current + 1) % K]} onClose={() => setDialog(null)} />
      )}
      {dialog === 'skip' && onSkip && (
        <SkipDialog
          purpose={task.purpose}
          reasons={skipReasons}
          onSkip={(reason, note) => onSkip(reason, note, stopwatch.read())}
          onClose={() => setDialog(null)}
        />
      )}
    </div>
  );
}

interface SuggestionProps {
  readonly suggestion: NonNullable<TaskView['suggestion']>;
  readonly letters: readonly string[];
}

function Suggestion({ suggestion, letters }: SuggestionProps): ReactNode {
  const { ranks, confidence, rationale } = suggestion;
  return (
    <details className="suggestion">
      <summary>
        An AI judge suggests{confidence !== undefined && `, ${Math.round(confidence * 100)} % sure`}
      </summary>
      <p>{inWords(ranks, letters)}.</p>
      {rationale && <p className="plain">{rationale}</p>}
    </details>
  );
}

function isRadio(target: EventTarget | null): boolean {
  return target instanceof HTMLInputElement && target.type === 'radio';
}

function quietly(): ScrollBehavior {
  return matchMedia('(prefers-reduced-motion: reduce)').matches ? 'auto' : 'smooth';
}

/** @param key of a draft in this browser; left out where none is kept */
function keptAnswer({ draft, cards }: TaskView, key: string | undefined): Answer {
  const local = JSON.parse((key && localStorage.getItem(key)) ?? 'null') as Answer | null;
  const kept = local?.ranks.length === cards.length ? local : draft;
  return {
    ranks: kept?.ranks ?? noRanks(cards.length),
    flags: (kept?.flags ?? []) as readonly Flag[],
    rationale: kept?.rationale ?? '',
  };
}

function draftKey(person: string, taskId: string): string {
  return `tenet draft ${person} ${taskId}`;
}

export function hasDraft(person: string, taskId: string): boolean {
  return localStorage.getItem(draftKey(person, taskId)) !== null;
}

/** An answer that was sent needs its draft no more. */
export function forgetDraft(person: string, taskId: string): void {
  localStorage.removeItem(draftKey(person, taskId));
}

/** Keeps what is done so far: in the browser at once, at the server when the hands rest. */
function useDraft(
  place: { readonly key: string; readonly path: string } | null,
  answer: Answer,
  begun: Answer,
  stopwatch: Stopwatch,
): void {
  const { ranks, flags, rationale } = answer;
  const [key, path] = [place?.key, place?.path];
  useEffect(() => {
    if (key === undefined || path === undefined) return undefined;
    if (ranks === begun.ranks && flags === begun.flags && rationale === begun.rationale) return undefined;
    const draft = { ranks, flags, rationale };
    try {
      roomy.setItem(key, JSON.stringify(draft));
    } catch {
      // The storage is full: then the server alone keeps it.
    }
    const timer = setTimeout(() => {
      // One that does not arrive is still in the browser.
      ask('PUT', path, { ...draft, ...stopwatch.read() }).catch(() => undefined);
    }, draftAfterMs);
    return () => clearTimeout(timer);
  }, [key, path, ranks, flags, rationale, begun, stopwatch]);
}
