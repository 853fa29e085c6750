/** The way to a provider of OpenID Connect and back, and who is let in. */
import type { Database } from '../../store/index.ts';
import { HttpError } from '../http/http-error.ts';
import type { Auth } from './auth.ts';
import { cookiesOf } from './cookies.ts';
import type { Invitations } from './invitations.ts';
import { type OidcOptions, oidcProvider } from './oidc.ts';
import type { OidcProblem } from './oidc-problems.ts';
import { isTrue } from './person.ts';
import { endSessions, giveRole } from './person-table.ts';

export class OidcSignIn {
  readonly options: OidcOptions;
  private readonly database: Database;
  private readonly auth: Auth;
  private readonly invitations: Invitations;

  constructor(parts: {
    readonly options: OidcOptions;
    readonly database: Database;
    readonly auth: Auth;
    readonly invitations: Invitations;
  }) {
    this.options = parts.options;
    this.database = parts.database;
    this.auth = parts.auth;
    this.invitations = parts.invitations;
  }

  /**
   * Begins signing in with the provider.
   * @param invitation of somebody new, as its link has it
   * @returns where to send the browser, and the headers that set the cookie which ties the way back to it
   */
  async start(invitation: string | undefined): Promise<{ readonly url: string; readonly headers: Headers }> {
    if (invitation !== undefined) await this.invitations.open(invitation);
    const answer = await this.database.read(() =>
      this.auth.api.signInSocial({
        body: {
          provider: oidcProvider,
          ...{ callbackURL: '/', newUserCallbackURL: newPersonPath, errorCallbackURL: '/' },
          ...{ disableRedirect: true, requestSignUp: invitation !== undefined },
        },
        asResponse: true,
      }),
    );
    if (!answer.ok)
      throw new HttpError('unavailable', `${this.options.name} cannot be reached; try again later.`);
    const headers = cookiesOf(answer);
    headers.append('set-cookie', invitationCookie(invitation));
    return { url: ((await answer.json()) as { url: string }).url, headers };
  }

  /**
   * Ends signing in with the provider, whose answer the browser has brought back. Somebody new gets the role of the
   * invitation, or the one that the server gives to everybody from there; nobody else is let in.
   * @returns the headers that set the cookie, or why not
   */
  async finish(
    query: Readonly<Record<string, string>>,
    headers: Headers,
  ): Promise<{ readonly headers: Headers; readonly problem: OidcProblem | null }> {
    const token = invitationIn(headers);
    // Taken before there is an account, so that two people with one link do not both get in.
    const invitation = token === null ? null : await this.invitations.claim(token).catch(ifGone);
    let person: string | null = null;
    try {
      const answer = await this.database.read(() =>
        this.auth.api.callbackOAuth({
          ...{ params: { id: oidcProvider }, query, headers, method: 'GET', asResponse: true },
        }),
      );
      const location = new URL(answer.headers.get('location') ?? '/', 'http://localhost');
      const error = location.searchParams.get('error');
      const cookies = cookiesOf(answer);
      const signedIn = error === null ? await this.personOf(cookies) : null;
      if (signedIn === null) return refusal(problems[error ?? ''] ?? 'failed');
      await this.forgetTokens(signedIn.id);
      if (location.pathname === newPersonPath) {
        const role = invitation?.role ?? this.options.role;
        if (role === null) {
          await this.remove(signedIn.id);
          return refusal('no-account');
        }
        await giveRole(this.database, signedIn.id, { ...invitation, role });
        if (invitation) person = signedIn.id;
      } else if (isTrue(signedIn.disabled)) {
        await endSessions(this.database, signedIn.id);
        return refusal('locked');
      }
      cookies.append('set-cookie', invitationCookie(undefined));
      return { headers: cookies, problem: null };
    } finally {
      if (invitation)
        await this.invitations.settle(invitation.id, person === null ? null : Date.now(), person);
    }
  }

  /** Who a session's cookie belongs to. */
  private async personOf(cookies: Headers): Promise<{ id: string; disabled: number | boolean } | null> {
    const cookie = cookies
      .getSetCookie()
      .map((text) => text.split(';')[0])
      .join('; ');
    const headers = new Headers({ cookie });
    const session = await this.database.read(() => this.auth.api.getSession({ headers }));
    return session && { id: session.user.id, disabled: session.user.disabled };
  }

  /** What the provider gave for asking it again: nothing here does, and what is not there cannot leak. */
  private async forgetTokens(id: string): Promise<void> {
    await this.database.write((transaction) =>
      transaction
        .updateTable('person_login')
        .set({ access_token: null, refresh_token: null, id_token: null })
        .where('person_id', '=', id)
        .execute(),
    );
  }

  /** Takes back an account that has just been made. */
  private async remove(id: string): Promise<void> {
    await this.database.write(async (transaction) => {
      await transaction.deleteFrom('person_session').where('person_id', '=', id).execute();
      await transaction.deleteFrom('person_login').where('person_id', '=', id).execute();
      await transaction.deleteFrom('person').where('id', '=', id).execute();
    });
  }
}

/** Where better-auth sends somebody new: how it tells that there was no account before. */
const newPersonPath = '/welcome';
const invitationCookieName = '__Host-tenet-invitation';

/** Keeps an invitation while its owner is at the provider; without one, forgets it. */
function invitationCookie(token: string | undefined): string {
  const age = token === undefined ? 0 : 600;
  return `${invitationCookieName}=${token ?? ''}; Max-Age=${age}; Path=/; HttpOnly; Secure; SameSite=Lax`;
}

function invitationIn(headers: Headers): string | null {
  const cookies = (headers.get('cookie') ?? '').split(/; */);
  const found = cookies.find((cookie) => cookie.startsWith(`${invitationCookieName}=`));
  return found?.slice(invitationCookieName.length + 1) || null;
}

/** What better-auth calls them. */
const problems: Readonly<Record<string, OidcProblem>> = {
  account_not_linked: 'other-login',
  signup_disabled: 'no-account',
};

/** No cookie is set then, and the invitation is kept for another try. */
function refusal(problem: OidcProblem): { readonly headers: Headers; readonly problem: OidcProblem } {
  return { headers: new Headers(), problem };
}

/** For an invitation that cannot be accepted any more. */
function ifGone(error: unknown): null {
  if (error instanceof HttpError) return null;
  throw error;
}
