import { type FormEvent, type ReactNode, useState } from 'react';
import { post } from '../base/api.ts';
import { go } from '../base/router.tsx';
import { Failure, Loading } from '../base/states.tsx';
import { useData } from '../base/use-data.ts';
import { SignInElsewhere } from './sign-in-elsewhere.tsx';
import { checkCookie } from './sign-in-page.tsx';

const duties: Readonly<Record<string, string>> = {
  admin: 'see and change everything, and invite others',
  adjudicator: 'label, and decide where labels disagree',
  annotator: 'label',
  viewer: 'see runs and progress',
};

/** Makes the account that an invitation link is for. */
export function InvitationPage({ onDone }: { readonly onDone: () => void }): ReactNode {
  const [token] = useState(() => location.hash.slice(1));
  const { data, error } = useData(`invitation ${token}`, () =>
    post<{ role: string; note: string | null }>('/api/invitations/open', { token }),
  );
  const [problem, setProblem] = useState<string | null>(null);
  const [busy, setBusy] = useState(false);
  const submit = async (event: FormEvent<HTMLFormElement>): Promise<void> => {
    event.preventDefault();
    const fields = new FormData(event.currentTarget);
    setBusy(true);
    setProblem(null);
    try {
      const [name, email, password] = ['name', 'email', 'password'].map((field) => fields.get(field));
      await post('/api/invitations/accept', { token, name, email, password });
      await checkCookie();
      go('/', { replace: true });
      onDone();
    } catch (failure) {
      setProblem((failure as Error).message);
      setBusy(false);
    }
  };
  if (error) {
    return (
      <main className="gate">
        <h1 className="wordmark large">Tenet</h1>
        <Failure error={error} />
      </main>
    );
  }
  if (!data) return <Loading />;
  return (
    <main className="gate">
      <h1 className="wordmark large">Tenet</h1>
      <p>
        You are invited as <strong>{data.role}</strong>: you can {duties[data.role]}.
      </p>
      <form className="form" onSubmit={submit}>
        <label>
          Name
          <input name="name" autoComplete="name" maxLength={80} required />
        </label>
        <label>
          E-mail address
          <input name="email" type="email" autoComplete="username" required />
        </label>
        <label>
          Password
          <input
            name="password"
            type="password"
            autoComplete="new-password"
            minLength={10}
            maxLength={200}
            required
          />
          <span className="hint">At least 10 characters; several words are good.</span>
        </label>
        {problem && (
          <p className="problem" role="alert">
            {problem}
          </p>
        )}
        <button type="submit" className="primary" disabled={busy}>
          Make my account
        </button>
      </form>
      <SignInElsewhere invitation={token} />
      <p className="quiet">Your name is not written into the ledger of labels; it knows you by a number.</p>
    </main>
  );
}
