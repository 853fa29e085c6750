/** Constitutions: reading, and editing with the linter at one's side. */
import { type ReactNode, useDeferredValue, useEffect, useMemo, useRef, useState } from 'react';
import { announce } from '../base/announcer.tsx';
import {
  ask,
  type CheckedConstitution,
  type ConstitutionFile,
  get,
  type Me,
  type PrincipleStats,
  post,
} from '../base/api.ts';
import { go, Link, useAddress } from '../base/router.tsx';
import { Failure, Loading } from '../base/states.tsx';
import { useData } from '../base/use-data.ts';
import { Changes } from './changes.tsx';
import { PrincipleTable } from './principle-table.tsx';
import { TryDialog } from './try-dialog.tsx';

interface Files {
  readonly folder: string;
  readonly files: readonly Omit<ConstitutionFile, 'text'>[];
}

export function ConstitutionPage({ me, name }: { readonly me: Me; readonly name?: string }): ReactNode {
  const { data, error } = useData('constitutions', () => get<Files>('/api/constitutions'));
  if (error) return <Failure error={error} />;
  if (!data) return <Loading />;
  const chosen = name ?? data.files[0].name;
  return (
    <main className="page">
      <h1>Constitution</h1>
      {data.files.length > 1 && (
        <nav className="tabs names" aria-label="Constitutions">
          {data.files.map((file) => (
            <Link
              key={file.name}
              to={`/constitution/${encodeURIComponent(file.name)}`}
              aria-current={file.name === chosen ? 'page' : undefined}
            >
              {file.name}
            </Link>
          ))}
        </nav>
      )}
      <Document key={chosen} me={me} name={chosen} />
    </main>
  );
}

function Document({ me, name }: { readonly me: Me; readonly name: string }): ReactNode {
  const { searchParams } = useAddress();
  const editing = searchParams.get('edit') !== null;
  const file = useData(`constitution ${name} ${editing}`, () =>
    get<ConstitutionFile>(`/api/constitutions/${encodeURIComponent(name)}`),
  );
  if (file.error) return <Failure error={file.error} />;
  if (!file.data) return <Loading />;
  return editing && me.permissions.includes('constitution:write') ? (
    <Editor me={me} file={file.data} />
  ) : (
    <Reader me={me} file={file.data} />
  );
}

function Reader({ me, file }: { readonly me: Me; readonly file: ConstitutionFile }): ReactNode {
  const { name, text, readOnly } = file;
  const { data, error } = useData(`check ${file.textHash}`, () =>
    post<CheckedConstitution>('/api/constitutions/check', { name, text }),
  );
  const stats = useData(`stats ${file.textHash}`, async () =>
    me.permissions.includes('quality:read')
      ? (await get<{ principles: PrincipleStats[] }>(`/api/constitutions/${encodeURIComponent(name)}/stats`))
          .principles
      : [],
  );
  const [tried, setTried] = useState<string | null>(null);
  if (error) return <Failure error={error} />;
  if (!data) return <Loading />;
  const { constitution } = data;
  const byId = new Map(stats.data?.map((one) => [one.principle, one]));
  return (
    <>
      <div className="page-head">
        <p className="quiet">
          {constitution?.name} {constitution?.version} · <code>{constitution?.hash.slice(7, 19)}</code>
          {readOnly && ' · comes with Tenet'}
        </p>
        {me.permissions.includes('constitution:write') && (
          <button type="button" onClick={() => go(`/constitution/${encodeURIComponent(name)}?edit`)}>
            {readOnly ? 'Edit a copy' : 'Edit'}
          </button>
        )}
      </div>
      <Problems checked={data} />
      {constitution?.preamble && <p className="preamble">{constitution.preamble}</p>}
      <ol className="principles">
        {constitution?.principles.map(({ id, title, text: wording, tags, weight, hard }) => (
          <li key={id} id={id}>
            <div className="principle-head">
              <h2>
                {title ?? id} {hard && <span className="pill bad">hard</span>}
              </h2>
              {me.permissions.includes('playground') && (
                <button type="button" className="quiet" onClick={() => setTried(id)}>
                  Try it<span className="unseen"> on an example: {title ?? id}</span>
                </button>
              )}
            </div>
            <p>{wording}</p>
            <p className="quiet">
              <code>{id}</code>
              {tags.length > 0 && ` · ${tags.join(', ')}`}
              {weight !== 1 && ` · weight ${weight}`}
              <Fared stats={byId.get(id)} />
            </p>
          </li>
        ))}
      </ol>
      {stats.data && stats.data.length > 0 && (
        <PrincipleTable stats={stats.data} titles={titlesOf(constitution)} />
      )}
      {tried !== null && (
        <TryDialog
          name={name}
          principles={constitution!.principles}
          principle={tried}
          onClose={() => setTried(null)}
        />
      )}
    </>
  );
}

function titlesOf(constitution: CheckedConstitution['constitution']): ReadonlyMap<string, string> {
  return new Map(constitution?.principles.map(({ id, title }) => [id, title ?? id]));
}

/** How a principle fared, in words. */
function Fared({ stats }: { readonly stats?: PrincipleStats }): ReactNode {
  if (!stats) return null;
  const { critiques, comparisons, people } = stats;
  const parts = [
    critiques.asked > 0 && `found violated in ${critiques.violations} of ${critiques.asked} critiques`,
    comparisons.drawn > 0 && `decided ${comparisons.decisive} of ${comparisons.drawn} comparisons`,
    people.agreement &&
      `agrees with people in ${Math.round(people.agreement.estimate * 100)} % of ${people.pairs} pairs ` +
        `[${Math.round(people.agreement.low * 100)}, ${Math.round(people.agreement.high * 100)}]`,
    people.overruled > 0 && `overruled ${people.overruled} times`,
  ].filter(Boolean);
  return parts.length > 0 && ` · ${parts.join(', ')}`;
}

const checkAfterMs = 400;

function Editor({ me, file }: { readonly me: Me; readonly file: ConstitutionFile }): ReactNode {
  const [text, setText] = useState(file.text);
  const [name, setName] = useState(file.readOnly ? `my-${file.name}` : file.name);
  const [checked, setChecked] = useState<CheckedConstitution | null>(null);
  const [problem, setProblem] = useState<string | null>(null);
  const [busy, setBusy] = useState(false);
  const [trying, setTrying] = useState(false);
  const box = useRef<HTMLTextAreaElement>(null);
  const saved = useRef(false);
  const deferred = useDeferredValue(text);
  const changed = text !== file.text;

  useEffect(() => {
    let left = false;
    const timer = setTimeout(() => {
      post<CheckedConstitution>('/api/constitutions/check', {
        name: file.name,
        text: deferred,
        before: file.text,
      }).then(
        (answer) => !left && setChecked(answer),
        (error: Error) => !left && setProblem(error.message),
      );
    }, checkAfterMs);
    return () => {
      left = true;
      clearTimeout(timer);
    };
  }, [deferred, file]);
  useEffect(() => {
    if (!changed) return undefined;
    const warn = (event: BeforeUnloadEvent): void => {
      if (!saved.current) event.preventDefault();
    };
    addEventListener('beforeunload', warn);
    return () => removeEventListener('beforeunload', warn);
  }, [changed]);

  const save = async (): Promise<void> => {
    setBusy(true);
    setProblem(null);
    const before = !file.readOnly && name === file.name ? file.textHash : null;
    try {
      await ask('PUT', `/api/constitutions/${encodeURIComponent(name)}`, { text, before });
      announce('Saved.');
      saved.current = true;
      location.assign(`/constitution/${encodeURIComponent(name)}`);
    } catch (error) {
      setProblem((error as Error).message);
      setBusy(false);
    }
  };
  /** Shows the line that a finding is about. */
  const goTo = (line: number): void => {
    const area = box.current!;
    const start =
      text
        .split('\n')
        .slice(0, line - 1)
        .join('\n').length + (line > 1 ? 1 : 0);
    area.focus();
    area.setSelectionRange(start, text.indexOf('\n', start) < 0 ? text.length : text.indexOf('\n', start));
    const height = Number.parseFloat(getComputedStyle(area).lineHeight);
    area.scrollTop = Math.max(0, (line - 4) * height);
  };
  const words = useMemo(() => text.split(/\s+/).filter(Boolean).length, [text]);
  return (
    <div className="editor">
      <section aria-label="Text">
        <label className="unseen" htmlFor="constitution-text">
          Text of {name}
        </label>
        <textarea
          id="constitution-text"
          ref={box}
          className="mono"
          value={text}
          spellCheck
          onChange={(event) => setText(event.target.value)}
        />
        <form
          className="form inline"
          onSubmit={(event) => {
            event.preventDefault();
            void save();
          }}
        >
          <label>
            Save as
            <input
              value={name}
              required
              pattern="[A-Za-z0-9][A-Za-z0-9._\-]*\.(md|markdown|ya?ml|json)"
              onChange={(event) => setName(event.target.value)}
            />
          </label>
          <button
            type="submit"
            className="primary"
            disabled={busy || (!changed && !file.readOnly) || (checked?.problems.length ?? 1) > 0}
          >
            Save
          </button>
          <Link to={`/constitution/${encodeURIComponent(file.name)}`} className="button">
            Cancel
          </Link>
          {me.permissions.includes('playground') && (checked?.constitution?.principles.length ?? 0) > 0 && (
            <button type="button" onClick={() => setTrying(true)}>
              Try a principle
            </button>
          )}
          <span className="quiet">{words} words</span>
        </form>
        {problem && (
          <p className="problem" role="alert">
            {problem}
          </p>
        )}
      </section>
      <section aria-label="What the linter says" className="findings">
        {checked ? (
          <>
            <Problems checked={checked} onGoTo={goTo} />
            {changed && checked.diff && <Changes diff={checked.diff} />}
          </>
        ) : (
          <Loading />
        )}
      </section>
      {trying && checked?.constitution && (
        <TryDialog
          name={file.name}
          text={text}
          principles={checked.constitution.principles}
          principle={checked.constitution.principles[0].id}
          onClose={() => setTrying(false)}
        />
      )}
    </div>
  );
}

interface ProblemsProps {
  readonly checked: CheckedConstitution;
  readonly onGoTo?: (line: number) => void;
}

function Problems({ checked, onGoTo }: ProblemsProps): ReactNode {
  const { problems, findings } = checked;
  const at = (place: string): ReactNode => {
    const line = Number(/:(\d+)$/.exec(place)?.[1] ?? 0);
    if (line === 0) return null;
    if (!onGoTo) return <span className="quiet">line {line}</span>;
    return (
      <button type="button" className="quiet" onClick={() => onGoTo(line)}>
        line {line}
      </button>
    );
  };
  if (problems.length > 0) {
    return (
      <ul className="list" aria-label="Problems">
        {problems.map(({ place, message }) => (
          <li key={`${place} ${message}`}>
            <span className="problem">{message}</span> {at(place)}
          </li>
        ))}
      </ul>
    );
  }
  const warnings = findings.filter(({ severity }) => severity === 'warning').length;
  if (findings.length === 0) return <p className="quiet">The linter finds nothing to say.</p>;
  const summary = `The linter has ${count(warnings, 'warning')} and ${count(findings.length - warnings, 'hint')}.`;
  return (
    <details open={onGoTo !== undefined}>
      <summary>{summary}</summary>
      <ul className="list">
        {findings.map(({ rule, severity, place, message, suggestion }) => (
          <li key={`${rule} ${place} ${message}`}>
            <div>
              <span className={`pill ${severity === 'warning' ? 'wait' : 'quiet'}`}>{severity}</span>{' '}
              {message}
              <div className="quiet">{suggestion}</div>
            </div>
            {at(place)}
          </li>
        ))}
      </ul>
    </details>
  );
}

function count(n: number, what: string): string {
  return `${n} ${what}${n === 1 ? '' : 's'}`;
}
