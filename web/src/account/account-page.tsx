import { type FormEvent, type ReactNode, useState } from 'react';
import { useOutbox } from '../annotate/use-outbox.ts';
import { ask, get, type Me, post, type Token } from '../base/api.ts';
import { useColorScheme } from '../base/color-scheme.ts';
import { dayOf } from '../base/format.ts';
import { forgetKept } from '../base/kept.ts';
import { Failure } from '../base/states.tsx';
import { useData } from '../base/use-data.ts';

interface Tokens {
  readonly tokens: readonly Token[];
  readonly permissions: readonly { readonly name: string; readonly text: string }[];
}

/** Who I am, how the app looks, API tokens, signing out. */
export function AccountPage({ me }: { readonly me: Me }): ReactNode {
  const [scheme, setScheme] = useColorScheme();
  const { waiting } = useOutbox(me.id).state;
  const [problem, setProblem] = useState<string | null>(null);
  const signOut = async (): Promise<void> => {
    try {
      await ask('DELETE', '/api/session');
      forgetKept();
      location.assign('/');
    } catch (error) {
      setProblem((error as Error).message);
    }
  };
  return (
    <main className="page narrow">
      <h1>{me.name}</h1>
      <dl className="facts">
        <div>
          <dt>E-mail address</dt>
          <dd>{me.email}</dd>
        </div>
        <div>
          <dt>Role</dt>
          <dd>{me.role}</dd>
        </div>
        {me.group && (
          <div>
            <dt>Group</dt>
            <dd>{me.group}</dd>
          </div>
        )}
        <div>
          <dt>In the ledger</dt>
          <dd>
            <code>{me.id}</code>
          </dd>
        </div>
      </dl>
      <fieldset className="choices row">
        <legend>Appearance</legend>
        {(['auto', 'light', 'dark'] as const).map((one) => (
          <label key={one} className="check">
            <input type="radio" name="scheme" checked={scheme === one} onChange={() => setScheme(one)} />{' '}
            {one === 'auto' ? 'as the system' : one}
          </label>
        ))}
      </fieldset>
      <TokenSection />
      {waiting.length > 0 && (
        <p className="notice" role="status">
          {waiting.length === 1 ? '1 answer has' : `${waiting.length} answers have`} not been sent yet. If you
          sign out now, {waiting.length === 1 ? 'it stays' : 'they stay'} in this browser until you sign in
          here again.
        </p>
      )}
      {problem && (
        <p className="problem" role="alert">
          {problem}
        </p>
      )}
      <div className="actions">
        <button type="button" onClick={() => void signOut()}>
          Sign out
        </button>
      </div>
    </main>
  );
}

function TokenSection(): ReactNode {
  const { data, error, reload } = useData('tokens', () => get<Tokens>('/api/tokens'));
  const [made, setMade] = useState<string | null>(null);
  const [problem, setProblem] = useState<string | null>(null);
  const submit = async (event: FormEvent<HTMLFormElement>): Promise<void> => {
    event.preventDefault();
    const form = event.currentTarget;
    const fields = new FormData(form);
    setProblem(null);
    try {
      const body = {
        name: fields.get('name'),
        permissions: fields.getAll('permission'),
        expiresInDays: Number(fields.get('days')) || null,
      };
      setMade((await post<{ token: string }>('/api/tokens', body)).token);
      form.reset();
      reload();
    } catch (failure) {
      setProblem((failure as Error).message);
    }
  };
  if (error) return <Failure error={error} />;
  return (
    <section aria-labelledby="tokens-title">
      <h2 id="tokens-title">API tokens</h2>
      <p className="quiet">
        For programs: <code>Authorization: Bearer …</code>. What there is to ask:{' '}
        <a href="/api/openapi.json">OpenAPI</a>.
      </p>
      {made && (
        <div className="notice" role="status">
          <p>Copy it now; it is not shown again.</p>
          <code className="secret">{made}</code>
        </div>
      )}
      <ul className="list">
        {data?.tokens.map((token) => (
          <li key={token.id}>
            <div>
              <strong>{token.name}</strong>
              <div className="quiet">
                {token.permissions.join(', ')} ·{' '}
                {token.lastUsedAt ? `last used ${dayOf(token.lastUsedAt)}` : 'never used'}
                {token.expiresAt && ` · until ${dayOf(token.expiresAt)}`}
              </div>
            </div>
            <button
              type="button"
              className="quiet"
              aria-label={`Revoke ${token.name}`}
              onClick={() => void ask('DELETE', `/api/tokens/${token.id}`).then(reload)}
            >
              Revoke
            </button>
          </li>
        ))}
      </ul>
      <details>
        <summary>Make a token</summary>
        <form className="form" onSubmit={submit}>
          <label>
            Name
            <input name="name" maxLength={80} required placeholder="what it is for" />
          </label>
          <fieldset className="choices">
            <legend>It may</legend>
            {data?.permissions.map(({ name, text }) => (
              <label key={name} className="check">
                <input type="checkbox" name="permission" value={name} /> {text}
              </label>
            ))}
          </fieldset>
          <label>
            Valid for
            <select name="days" defaultValue="90">
              <option value="7">7 days</option>
              <option value="90">90 days</option>
              <option value="365">a year</option>
              <option value="">ever</option>
            </select>
          </label>
          {problem && (
            <p className="problem" role="alert">
              {problem}
            </p>
          )}
          <button type="submit">Make it</button>
        </form>
      </details>
    </section>
  );
}
