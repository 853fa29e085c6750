/** The app: who is there, which page. */
import { type ReactNode, useEffect } from 'react';
import { AccountPage } from './account/account-page.tsx';
import { InvitationPage } from './account/invitation-page.tsx';
import { PeoplePage } from './account/people-page.tsx';
import { SignInPage } from './account/sign-in-page.tsx';
import { AnnotatePage } from './annotate/annotate-page.tsx';
import { useSending } from './annotate/use-outbox.ts';
import { Announcer } from './base/announcer.tsx';
import { actAs, get, type Me } from './base/api.ts';
import { forgetKept, keptAnswer } from './base/kept.ts';
import { PageBoundary } from './base/page-boundary.tsx';
import { go, Link, useAddress } from './base/router.tsx';
import { Failure, Loading } from './base/states.tsx';
import { useData } from './base/use-data.ts';
import { ConstitutionPage } from './constitution/constitution-page.tsx';
import { PlaygroundPage } from './playground/playground-page.tsx';
import { AdjudicatePage } from './quality/adjudicate-page.tsx';
import { ProgressPage } from './quality/progress-page.tsx';
import { CompareRunsPage } from './runs/compare-page.tsx';
import { RunPage } from './runs/run-page.tsx';
import { RunsPage } from './runs/runs-page.tsx';

type Permission = Me['permissions'][number];

interface Section {
  readonly path: string;
  readonly name: string;
  readonly needs: Permission;
}

const sections: readonly Section[] = [
  { path: '/annotate', name: 'Annotate', needs: 'annotate' },
  { path: '/adjudicate', name: 'Adjudicate', needs: 'adjudicate' },
  { path: '/progress', name: 'Progress', needs: 'quality:read' },
  { path: '/playground', name: 'Playground', needs: 'playground' },
  { path: '/runs', name: 'Runs', needs: 'runs:read' },
  { path: '/constitution', name: 'Constitution', needs: 'constitution:read' },
  { path: '/people', name: 'People', needs: 'accounts' },
];

/** Who is signed in; without a connection who was. */
async function session(): Promise<{ readonly me: Me | null }> {
  const answer = await keptAnswer('session', () => get<{ me: Me | null }>('/api/session'));
  if (answer.me === null) forgetKept();
  actAs(answer.me?.id ?? null);
  return answer;
}

export function App(): ReactNode {
  const { pathname, href } = useAddress();
  const { data, error, loading, reload } = useData('session', session);
  const me = data?.me;
  const page = ((): ReactNode => {
    if (pathname === '/invitation') return <InvitationPage onDone={reload} />;
    if (me === null) return <SignInPage onDone={reload} />;
    if (error && !me) return <Failure error={error} onRetry={reload} />;
    if (!me) return loading ? <Loading /> : null;
    return <Pages me={me} />;
  })();
  return (
    <>
      <a className="skip-link" href="#main">
        To the content
      </a>
      {me && pathname !== '/invitation' && <Header me={me} />}
      {me && <Sending person={me.id} />}
      <div id="main" tabIndex={-1}>
        <PageBoundary at={href}>{page}</PageBoundary>
      </div>
      <Announcer />
    </>
  );
}

/** Apart from the pages: what waits is sent also where one of them fails. */
function Sending({ person }: { readonly person: string }): ReactNode {
  useSending(person);
  return null;
}

function Header({ me }: { readonly me: Me }): ReactNode {
  const { pathname } = useAddress();
  const seen = sections.filter(({ needs }) => me.permissions.includes(needs));
  return (
    <header className="top">
      <Link to="/" className="wordmark">
        Tenet
      </Link>
      <nav aria-label="Sections">
        <ul>
          {seen.map(({ path, name }) => (
            <li key={path}>
              <Link to={path} aria-current={pathname.startsWith(path) ? 'page' : undefined}>
                {name}
              </Link>
            </li>
          ))}
        </ul>
      </nav>
      <Link to="/account" className="me" aria-current={pathname === '/account' ? 'page' : undefined}>
        {me.name}
      </Link>
    </header>
  );
}

/** A part of an address; one that somebody has mistyped stays as it is. */
function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

function Pages({ me }: { readonly me: Me }): ReactNode {
  const { pathname, searchParams } = useAddress();
  const [, first, second] = pathname.split('/').map(decoded);
  // Who is here to label begins with it; who watches over things, with those.
  const home = ['annotator', 'adjudicator'].includes(me.role) ? '/annotate' : '/runs';
  useEffect(() => {
    if (pathname === '/') go(home, { replace: true });
    const section = sections.find(({ path }) => path === `/${first}`);
    document.title = [second, section?.name, 'Tenet'].filter(Boolean).join(' · ');
  }, [pathname, home, first, second]);
  const may = (permission: Permission): boolean => me.permissions.includes(permission);
  if (pathname === '/') return null;
  if (first === 'annotate' && may('annotate')) return <AnnotatePage me={me} project={second} />;
  if (first === 'runs' && may('runs:read')) {
    if (second === undefined) return <RunsPage me={me} />;
    if (second === 'compare') return <CompareRunsPage names={searchParams.getAll('run')} />;
    return <RunPage key={second} me={me} name={second} />;
  }
  if (first === 'adjudicate' && may('adjudicate')) return <AdjudicatePage me={me} project={second} />;
  if (first === 'progress' && may('quality:read')) return <ProgressPage me={me} project={second} />;
  if (first === 'playground' && may('playground')) return <PlaygroundPage />;
  if (first === 'constitution' && may('constitution:read')) return <ConstitutionPage me={me} name={second} />;
  if (first === 'people' && may('accounts')) return <PeoplePage me={me} />;
  if (first === 'account') return <AccountPage me={me} />;
  return (
    <main className="page narrow">
      <h1>Nothing here</h1>
      <p>
        There is no such page, or it is not for your role. <Link to="/">Go on from the beginning</Link>.
      </p>
    </main>
  );
}
