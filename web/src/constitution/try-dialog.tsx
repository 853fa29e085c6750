/** A principle tried on an example: the yes/no check, the critique and the revision of a model, as they are written. */
import { type FormEvent, type ReactNode, useEffect, useRef, useState } from 'react';
import { wordDiff } from '../annotate/word-diff.ts';
import { announce } from '../base/announcer.tsx';
import { get, type ShelfModel } from '../base/api.ts';
import { Dialog } from '../base/dialog.tsx';
import { postForEvents } from '../base/event-stream.ts';
import { Markdown } from '../base/markdown.tsx';
import { Failure, Loading } from '../base/states.tsx';
import { useData } from '../base/use-data.ts';
import { ModelSelect } from '../playground/model-select.tsx';

interface TryDialogProps {
  /** Of the constitution's file. */
  readonly name: string;
  /** As it is being edited; left out where it is as saved. */
  readonly text?: string;
  readonly principles: readonly {
    readonly id: string;
    readonly title: string | null;
    readonly text: string;
  }[];
  /** The one to begin with. */
  readonly principle: string;
  readonly onClose: () => void;
}

type Step = 'response' | 'critique' | 'revision';

interface Found {
  /** What is being written, or written already. */
  readonly texts: Readonly<Partial<Record<Step, string>>>;
  readonly requests: Readonly<Partial<Record<Step, string>>>;
  /** Why a text is no use. */
  readonly failures: Readonly<Partial<Record<Step, string>>>;
  readonly verdict?: string;
  readonly check?: {
    readonly probability: number;
    readonly violation: boolean;
    readonly method: string;
    readonly mass: number;
  };
}

const nothing: Found = { texts: {}, requests: {}, failures: {} };
const setting = 'tenet model to try principles on';

export function TryDialog({ name, text, principles, principle, onClose }: TryDialogProps): ReactNode {
  const { data, error } = useData('playground models', () =>
    get<{ models: ShelfModel[] }>('/api/playground/models'),
  );
  const [chosen, setChosen] = useState(principle);
  const [found, setFound] = useState<Found | null>(null);
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState<string | null>(null);
  const [tries, setTries] = useState(0);
  const [given, setGiven] = useState('');
  const running = useRef<AbortController | null>(null);
  useEffect(() => () => running.current?.abort(), []);

  const run = async (event: FormEvent<HTMLFormElement>): Promise<void> => {
    event.preventDefault();
    const fields = new FormData(event.currentTarget);
    const value = (field: string): string => String(fields.get(field) ?? '').trim();
    localStorage.setItem(setting, value('model'));
    const controller = new AbortController();
    running.current = controller;
    setBusy(true);
    setProblem(null);
    setFound(nothing);
    setTries((before) => before + 1);
    const body = {
      ...{ principle: chosen, prompt: value('prompt'), model: value('model') },
      ...(value('response') && { response: value('response') }),
      ...(text !== undefined && { text }),
      check: fields.has('brief') ? 'brief' : 'full',
    };
    const change = (how: (before: Found) => Found): void => setFound((before) => how(before ?? nothing));
    try {
      await postForEvents(
        `/api/constitutions/${encodeURIComponent(name)}/try`,
        body,
        (
          kind,
          data: { step: Step; piece: string; text: string; request?: string; failure?: string | null } & {
            verdict?: string;
            message: string;
          } & NonNullable<Found['check']>,
        ) => {
          if (kind === 'begin')
            change((before) => ({ ...before, texts: { ...before.texts, [data.step]: '' } }));
          else if (kind === 'text') {
            const { step, piece } = data;
            change((before) => ({
              ...before,
              texts: { ...before.texts, [step]: (before.texts[step] ?? '') + piece },
            }));
          } else if (kind === 'check') change((before) => ({ ...before, check: data }));
          else if (kind === 'failed') setProblem(data.message);
          else {
            const step = kind as Step;
            change((before) => ({
              ...before,
              texts: { ...before.texts, [step]: data.text },
              requests: { ...before.requests, ...(data.request && { [step]: data.request }) },
              failures: { ...before.failures, ...(data.failure && { [step]: data.failure }) },
              ...(data.verdict && { verdict: data.verdict }),
            }));
          }
        },
        controller.signal,
      );
      announce('Tried.');
    } catch (failure) {
      if (!controller.signal.aborted) setProblem((failure as Error).message);
    }
    setBusy(false);
  };
  const wording = principles.find(({ id }) => id === chosen)?.text;
  return (
    <Dialog title="Try a principle" wide onClose={onClose}>
      {error && <Failure error={error} />}
      {!data && !error && <Loading />}
      {data?.models.length === 0 && (
        <p>
          There is no model to try it on yet: models of runs appear by themselves, others are named with{' '}
          <code>tenet serve --playground</code>.
        </p>
      )}
      {data && data.models.length > 0 && (
        <form className="form" onSubmit={run}>
          <label>
            Principle
            <select value={chosen} onChange={(event) => setChosen(event.target.value)}>
              {principles.map(({ id, title }) => (
                <option key={id} value={id}>
                  {title ?? id}
                </option>
              ))}
            </select>
          </label>
          <p className="quiet">{wording}</p>
          <label>
            What somebody asks
            <textarea name="prompt" rows={2} required maxLength={50_000} />
          </label>
          <label>
            The response <span className="hint">(empty: the model answers)</span>
            <textarea
              name="response"
              rows={3}
              maxLength={50_000}
              value={given}
              onChange={(event) => setGiven(event.target.value)}
            />
          </label>
          <div className="two">
            <ModelSelect
              label="Model"
              name="model"
              models={data.models}
              initial={localStorage.getItem(setting) ?? undefined}
            />
          </div>
          <label className="check">
            <input type="checkbox" name="brief" /> Brief check, for small models that have learnt to answer it
          </label>
          <div className="actions">
            <button type="submit" className="primary" disabled={busy}>
              {busy ? 'Trying …' : 'Try it'}
            </button>
            {busy && (
              <button type="button" onClick={() => running.current?.abort()}>
                Stop
              </button>
            )}
          </div>
        </form>
      )}
      {problem && (
        <p className="problem" role="alert">
          {problem}
        </p>
      )}
      {found && <Outcome key={tries} found={found} busy={busy} />}
    </Dialog>
  );
}

function Outcome({ found, busy }: { readonly found: Found; readonly busy: boolean }): ReactNode {
  const { texts, requests, failures, check, verdict } = found;
  const section = useRef<HTMLDivElement>(null);
  useEffect(() => {
    const calm = matchMedia('(prefers-reduced-motion: reduce)').matches;
    section.current?.scrollIntoView({ block: 'start', behavior: calm ? 'auto' : 'smooth' });
  }, []);
  const whole = !busy && texts.revision !== undefined && texts.response !== undefined;
  return (
    <div ref={section} className="tried" aria-busy={busy}>
      {texts.response !== undefined && (
        <section>
          <h3>Response</h3>
          <Markdown text={texts.response} />
        </section>
      )}
      {check && (
        <section>
          <h3>Does it go against the principle?</h3>
          <p>
            <span className={`pill ${check.violation ? 'bad' : 'good'}`}>
              {check.violation ? 'yes' : 'no'}
            </span>{' '}
            with a probability of {Math.round(check.probability * 100)} % that it does
            <span className="quiet">
              {' '}
              · {check.method === 'votes' ? 'from votes' : 'from the model’s own probabilities'}
              {check.mass < 0.5 &&
                ` · the model gave “yes” and “no” together only ${Math.round(check.mass * 100)} %: it may not understand the question`}
            </span>
          </p>
        </section>
      )}
      {texts.critique !== undefined && (
        <section>
          <h3>Critique</h3>
          {requests.critique && <p className="quiet">{requests.critique}</p>}
          <Markdown text={texts.critique} />
          {verdict && <p className="quiet">It reads as: {verdict.replaceAll('-', ' ')}</p>}
          <Useless why={failures.critique} />
        </section>
      )}
      {texts.revision !== undefined && (
        <section>
          <h3>Revision</h3>
          {requests.revision && <p className="quiet">{requests.revision}</p>}
          {whole ? (
            <Marked before={texts.response!} after={texts.revision} />
          ) : (
            <Markdown text={texts.revision} />
          )}
          <Useless why={failures.revision} />
        </section>
      )}
    </div>
  );
}

function Useless({ why }: { readonly why?: string }): ReactNode {
  return why && <p className="problem">No use: {why}. A job would skip it.</p>;
}

/** The revision, with what the response did not say marked. */
function Marked({ before, after }: { readonly before: string; readonly after: string }): ReactNode {
  const [, pieces] = wordDiff(before, after);
  return (
    <p className="plain">
      {pieces.map(({ text, own }, i) => (own ? <ins key={i}>{text}</ins> : <span key={i}>{text}</span>))}
    </p>
  );
}
