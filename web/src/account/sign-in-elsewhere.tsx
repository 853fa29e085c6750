import { type ReactNode, useState } from 'react';
import { oidcProblems } from '../../../src/server/accounts/oidc-problems.ts';
import { get, post } from '../base/api.ts';
import { useData } from '../base/use-data.ts';

/**
 * Signing in with an account elsewhere, where the server offers it; says why not when the provider has sent somebody back.
 * @param invitation of somebody who has no account yet
 */
export function SignInElsewhere({ invitation }: { readonly invitation?: string }): ReactNode {
  const { data } = useData('sign-in elsewhere', () => get<{ oidc: string | null }>('/api/session'));
  const [problem, setProblem] = useState<string | null>(() => {
    const name = new URLSearchParams(location.search).get('sign-in');
    return name !== null && name in oidcProblems ? oidcProblems[name as keyof typeof oidcProblems] : null;
  });
  if (!data?.oidc) return null;
  const leave = async (): Promise<void> => {
    try {
      const { url } = await post<{ url: string }>('/api/session/oidc', { invitation });
      location.assign(url);
    } catch (error) {
      setProblem((error as Error).message);
    }
  };
  return (
    <div className="form">
      {problem && (
        <p className="problem" role="alert">
          {problem}
        </p>
      )}
      <button type="button" onClick={leave}>
        Sign in with {data.oidc}
      </button>
    </div>
  );
}
