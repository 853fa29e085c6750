import { type FormEvent, type ReactNode, useState } from 'react';
import { get, type Me, post } from '../base/api.ts';
import { SignInElsewhere } from './sign-in-elsewhere.tsx';

/** E-mail address and password. */
export function SignInPage({ onDone }: { readonly onDone: () => void }): ReactNode {
  const [problem, setProblem] = useState<string | null>(null);
  const [busy, setBusy] = useState(false);
  const submit = async (event: FormEvent<HTMLFormElement>): Promise<void> => {
    event.preventDefault();
    const fields = new FormData(event.currentTarget);
    setBusy(true);
    setProblem(null);
    try {
      await post('/api/session', { email: fields.get('email'), password: fields.get('password') });
      await checkCookie();
      onDone();
    } catch (error) {
      setProblem((error as Error).message);
      setBusy(false);
    }
  };
  return (
    <main className="gate">
      <h1 className="wordmark large">Tenet</h1>
      <form className="form" onSubmit={submit}>
        <label>
          E-mail address
          <input name="email" type="email" autoComplete="username" required />
        </label>
        <label>
          Password
          <input name="password" type="password" autoComplete="current-password" required />
        </label>
        {problem && (
          <p className="problem" role="alert">
            {problem}
          </p>
        )}
        <button type="submit" className="primary" disabled={busy}>
          Sign in
        </button>
      </form>
      <SignInElsewhere />
      <p className="quiet">No account? Ask an admin for an invitation link.</p>
    </main>
  );
}

/** Safari keeps secure cookies only of pages with HTTPS, also on its own machine. */
export async function checkCookie(): Promise<void> {
  const { me } = await get<{ me: Me | null }>('/api/session');
  if (me) return;
  throw new Error(
    'The password is right, but this browser does not keep the cookie over plain http. Use Chrome or Firefox on this ' +
      'machine, or serve Tenet over HTTPS.',
  );
}
