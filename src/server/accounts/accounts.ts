/** People: signing in, invitations, roles. */
import { createHash, randomBytes, randomUUID } from 'node:crypto';
import type { Database, Tables } from '../../store/index.ts';
import { HttpError } from '../http/http-error.ts';
import { type Auth, createAuth } from './auth.ts';
import { type OidcOptions, oidcProvider } from './oidc.ts';
import type { OidcProblem } from './oidc-problems.ts';
import { type Permission, permissions, permissionsOf, type Role } from './permissions.ts';
import { RateLimit } from './rate-limit.ts';
import { serverSecret } from './settings.ts';

/** Who asks, and what they may do. */
export interface Caller {
  readonly id: string;
  readonly name: string;
  readonly email: string;
  readonly role: Role;
  /** What agreement is compared by. */
  readonly group: string | null;
  /** Audiences of tasks that they get, such as languages. */
  readonly audiences: readonly string[];
  readonly permissions: ReadonlySet<Permission>;
  /** `token`: a program; `session`: a browser. */
  readonly by: 'session' | 'token';
}

export interface Person extends Omit<Caller, 'permissions' | 'by'> {
  readonly disabled: boolean;
  readonly createdAt: number;
}

export interface Invitation {
  readonly id: string;
  readonly role: Role;
  readonly group: string | null;
  readonly audiences: readonly string[];
  readonly note: string | null;
  readonly createdAt: number;
  readonly expiresAt: number;
  readonly usedAt: number | null;
}

export interface NewInvitation {
  readonly role: Role;
  readonly group?: string | null;
  readonly audiences?: readonly string[];
  readonly note?: string | null;
  readonly validMs?: number;
  readonly createdBy?: string | null;
}

export interface ApiToken {
  readonly id: string;
  readonly name: string;
  readonly permissions: readonly Permission[];
  readonly createdAt: number;
  readonly expiresAt: number | null;
  readonly lastUsedAt: number | null;
}

const dayMs = 24 * 3600 * 1000;
const invitationMs = 7 * dayMs;
/** How exact the last use of a token is recorded, so that not every request writes. */
const lastUseMs = 60_000;

export class Accounts {
  private readonly database: Database;
  private readonly auth: Auth;
  /** Where people may sign in besides. */
  readonly oidc: OidcOptions | null;
  private readonly failuresByAddress = new RateLimit({ most: 50, withinMs: 10 * 60_000 });
  private readonly failuresByEmail = new RateLimit({ most: 10, withinMs: 10 * 60_000 });

  private constructor(database: Database, auth: Auth, oidc: OidcOptions | null) {
    this.database = database;
    this.auth = auth;
    this.oidc = oidc;
  }

  static async open(
    database: Database,
    options: { readonly baseUrl: string; readonly oidc?: OidcOptions | null },
  ): Promise<Accounts> {
    const secret = await serverSecret(database);
    const { baseUrl, oidc = null } = options;
    return new Accounts(database, createAuth({ database, secret, baseUrl, oidc }), oidc);
  }

  /** Who a request comes from, by its token or cookie; null for nobody. */
  async callerOf(headers: Headers): Promise<Caller | null> {
    const authorization = headers.get('authorization');
    if (authorization !== null) {
      // Never the cookie then: requests with this header are not asked which page they come from.
      const token = /^Bearer (\S+)$/i.exec(authorization)?.[1];
      return token === undefined ? null : this.callerOfToken(token);
    }
    if (!headers.has('cookie')) return null;
    const found = await this.database.read(() => this.auth.api.getSession({ headers }));
    if (!found || found.user.disabled) return null;
    const { id, name, email, role, judgeGroup, audiences } = found.user;
    return {
      ...{ id, name, email, role: role as Role, group: judgeGroup ?? null },
      audiences: JSON.parse(audiences) as string[],
      permissions: new Set(permissionsOf(role as Role)),
      by: 'session',
    };
  }

  /**
   * @param address who asks, to slow guessing down
   * @returns the headers that set the cookie
   * @throws HttpError, the same whether the e-mail address is known or not
   */
  async signIn(email: string, password: string, address: string): Promise<Headers> {
    const keys = [
      [this.failuresByAddress, address],
      [this.failuresByEmail, email.toLowerCase()],
    ] as const;
    const waitMs = Math.max(...keys.map(([limit, key]) => limit.waitMs(key)));
    if (waitMs > 0) {
      const seconds = Math.ceil(waitMs / 1000);
      throw new HttpError('too-many', `Too many failed attempts; try again in ${inWords(seconds)}.`, {
        retryAfterSeconds: seconds,
      });
    }
    const answer = await this.database.read(() =>
      this.auth.api.signInEmail({ body: { email, password }, asResponse: true }),
    );
    const person = answer.ok ? await this.byEmail(email) : undefined;
    if (!person || isTrue(person.disabled)) {
      for (const [limit, key] of keys) limit.count(key);
      if (person) await this.endSessions(person.id);
      throw new HttpError('not-signed-in', 'E-mail address and password do not go together.');
    }
    this.failuresByEmail.forget(email.toLowerCase());
    return cookiesOf(answer);
  }

  /**
   * Begins signing in with the provider.
   * @param invitation of somebody new, as its link has it
   * @returns where to send the browser, and the headers that set the cookie which ties the way back to it
   */
  async startOidc(
    invitation: string | undefined,
  ): Promise<{ readonly url: string; readonly headers: Headers }> {
    if (this.oidc === null) throw new HttpError('not-found', 'This server has no other way to sign in.');
    if (invitation !== undefined) await this.openInvitation(invitation);
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
      throw new HttpError('unavailable', `${this.oidc.name} cannot be reached; try again later.`);
    const headers = cookiesOf(answer);
    headers.append('set-cookie', invitationCookie(invitation));
    return { url: ((await answer.json()) as { url: string }).url, headers };
  }

  /**
   * Ends signing in with the provider, whose answer the browser has brought back. Somebody new gets the role of the
   * invitation, or the one that the server gives to everybody from there; nobody else is let in.
   * @returns the headers that set the cookie, or why not
   */
  async finishOidc(
    query: Readonly<Record<string, string>>,
    headers: Headers,
  ): Promise<{ readonly headers: Headers; readonly problem: OidcProblem | null }> {
    if (this.oidc === null) throw new HttpError('not-found', 'This server has no other way to sign in.');
    const token = invitationIn(headers);
    // Taken before there is an account, so that two people with one link do not both get in.
    const invitation = token === null ? null : await this.claim(token).catch(ifGone);
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
      if (signedIn === null)
        return refusal(
          error === 'account_not_linked'
            ? 'other-login'
            : error === 'signup_disabled'
              ? 'no-account'
              : 'failed',
        );
      await this.forgetTokens(signedIn.id);
      if (location.pathname === newPersonPath) {
        const role = invitation?.role ?? this.oidc.role;
        if (role === null) {
          await this.remove(signedIn.id);
          return refusal('no-account');
        }
        await this.become(signedIn.id, { ...invitation, role });
        if (invitation) person = signedIn.id;
      } else if (isTrue(signedIn.disabled)) {
        await this.endSessions(signedIn.id);
        return refusal('locked');
      }
      cookies.append('set-cookie', invitationCookie(undefined));
      return { headers: cookies, problem: null };
    } finally {
      if (invitation) await this.settleInvitation(invitation.id, person === null ? null : Date.now(), person);
    }
  }

  async signOut(headers: Headers): Promise<Headers> {
    return cookiesOf(await this.database.read(() => this.auth.api.signOut({ headers, asResponse: true })));
  }

  /** True once somebody can administer. */
  async hasAdmin(): Promise<boolean> {
    const admins = await this.database.read((db) =>
      db.selectFrom('person').select(['id', 'disabled']).where('role', '=', 'admin').execute(),
    );
    return admins.some(({ disabled }) => !isTrue(disabled));
  }

  // Invitations

  /** @returns the secret that the link carries; only its hash is kept */
  async invite(options: NewInvitation): Promise<{ readonly token: string; readonly invitation: Invitation }> {
    const token = randomBytes(24).toString('base64url');
    const now = Date.now();
    const row: Tables['invitation'] = {
      id: randomUUID(),
      token_hash: hashOfToken(token),
      role: options.role,
      judge_group: options.group ?? null,
      audiences: JSON.stringify(options.audiences ?? []),
      note: options.note ?? null,
      created_by: options.createdBy ?? null,
      created_at: now,
      expires_at: now + (options.validMs ?? invitationMs),
      used_at: null,
      used_by: null,
    };
    await this.database.write((transaction) => transaction.insertInto('invitation').values(row).execute());
    return { token, invitation: toInvitation(row) };
  }

  async invitations(): Promise<Invitation[]> {
    const rows = await this.database.read((db) =>
      db.selectFrom('invitation').selectAll().orderBy('created_at', 'desc').limit(500).execute(),
    );
    return rows.map(toInvitation);
  }

  /** What an invitation that can still be accepted offers. */
  async openInvitation(token: string): Promise<Invitation> {
    const row = await this.database.read((db) =>
      db.selectFrom('invitation').selectAll().where('token_hash', '=', hashOfToken(token)).executeTakeFirst(),
    );
    if (row?.used_at !== null || row.expires_at < Date.now()) throw invitationGone();
    return toInvitation(row);
  }

  async withdrawInvitation(id: string): Promise<void> {
    const { numUpdatedRows } = await this.database.write((transaction) =>
      transaction
        .updateTable('invitation')
        .set({ expires_at: 0 })
        .where('id', '=', id)
        .where('used_at', 'is', null)
        .executeTakeFirst(),
    );
    if (numUpdatedRows === 0n) throw new HttpError('not-found', 'There is no open invitation of this id.');
  }

  /** Makes the account that an invitation is for, and signs it in. @returns the headers that set the cookie */
  async accept(
    token: string,
    person: { readonly name: string; readonly email: string; readonly password: string },
  ): Promise<Headers> {
    const invitation = await this.claim(token);
    let id: string | undefined;
    try {
      if (await this.byEmail(person.email)) {
        throw new HttpError(
          'conflict',
          'There is an account of this e-mail address already: sign in with it.',
        );
      }
      const { user } = await this.database.read(() => this.auth.api.signUpEmail({ body: person }));
      id = user.id;
    } finally {
      if (id === undefined) await this.settleInvitation(invitation.id, null, null);
    }
    await this.become(id, invitation);
    await this.settleInvitation(invitation.id, Date.now(), id);
    return cookiesOf(
      await this.database.read(() =>
        this.auth.api.signInEmail({
          body: { email: person.email, password: person.password },
          asResponse: true,
        }),
      ),
    );
  }

  /** Takes an invitation, so that two people who follow one link do not both get in. */
  private async claim(token: string): Promise<Tables['invitation']> {
    const now = Date.now();
    return this.database.write(async (transaction) => {
      const row = await transaction
        .updateTable('invitation')
        .set({ used_at: now })
        .where('token_hash', '=', hashOfToken(token))
        .where('used_at', 'is', null)
        .where('expires_at', '>', now)
        .returningAll()
        .executeTakeFirst();
      if (!row) throw invitationGone();
      return row;
    });
  }

  private async settleInvitation(id: string, usedAt: number | null, usedBy: string | null): Promise<void> {
    await this.database.write((transaction) =>
      transaction
        .updateTable('invitation')
        .set({ used_at: usedAt, used_by: usedBy })
        .where('id', '=', id)
        .execute(),
    );
  }

  /** Gives somebody new what they were invited for. */
  private async become(id: string, { role, judge_group = null, audiences = '[]' }: NewRole): Promise<void> {
    await this.database.write((transaction) =>
      transaction.updateTable('person').set({ role, judge_group, audiences }).where('id', '=', id).execute(),
    );
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

  // People

  async people(): Promise<Person[]> {
    const rows = await this.database.read((db) =>
      db.selectFrom('person').selectAll().orderBy('created_at').execute(),
    );
    return rows.map(toPerson);
  }

  /** @throws HttpError when nobody would be left who can administer */
  async change(
    id: string,
    change: {
      readonly role?: Role;
      readonly group?: string | null;
      readonly audiences?: readonly string[];
      readonly disabled?: boolean;
    },
  ): Promise<Person> {
    const truth = (value: boolean) => (this.database.dialect === 'sqlite' ? Number(value) : value);
    const person = await this.database.write(async (transaction) => {
      await this.database.lock(transaction, 'people');
      const row = await transaction
        .updateTable('person')
        .set({
          ...(change.role === undefined ? {} : { role: change.role }),
          ...(change.group === undefined ? {} : { judge_group: change.group }),
          ...(change.audiences === undefined ? {} : { audiences: JSON.stringify(change.audiences) }),
          ...(change.disabled === undefined ? {} : { disabled: truth(change.disabled) }),
          updated_at: this.database.dialect === 'sqlite' ? new Date().toISOString() : new Date(),
        })
        .where('id', '=', id)
        .returningAll()
        .executeTakeFirst();
      if (!row) throw new HttpError('not-found', 'There is no account of this id.');
      const admins = await transaction
        .selectFrom('person')
        .select('disabled')
        .where('role', '=', 'admin')
        .execute();
      if (!admins.some(({ disabled }) => !isTrue(disabled))) {
        throw new HttpError('conflict', 'This is the last admin: make somebody else one first.');
      }
      return toPerson(row);
    });
    if (person.disabled) await this.endSessions(id);
    return person;
  }

  // Tokens

  async createToken(
    caller: Caller,
    options: {
      readonly name: string;
      readonly permissions: readonly Permission[];
      readonly expiresAt?: number | null;
    },
  ): Promise<{ readonly token: string; readonly created: ApiToken }> {
    const excess = options.permissions.filter((permission) => !caller.permissions.has(permission));
    if (excess.length > 0) {
      throw new HttpError('not-allowed', `You cannot give away what you may not do: ${excess.join(', ')}.`);
    }
    const token = `tenet_${randomBytes(32).toString('base64url')}`;
    const row: Tables['api_token'] = {
      id: randomUUID(),
      token_hash: hashOfToken(token),
      person_id: caller.id,
      name: options.name,
      permissions: JSON.stringify(options.permissions),
      created_at: Date.now(),
      expires_at: options.expiresAt ?? null,
      last_used_at: null,
      revoked_at: null,
    };
    await this.database.write((transaction) => transaction.insertInto('api_token').values(row).execute());
    return { token, created: toToken(row) };
  }

  async tokens(caller: Caller): Promise<ApiToken[]> {
    const rows = await this.database.read((db) =>
      db
        .selectFrom('api_token')
        .selectAll()
        .where('person_id', '=', caller.id)
        .where('revoked_at', 'is', null)
        .orderBy('created_at', 'desc')
        .execute(),
    );
    return rows.map(toToken);
  }

  async revokeToken(caller: Caller, id: string): Promise<void> {
    const { numUpdatedRows } = await this.database.write((transaction) =>
      transaction
        .updateTable('api_token')
        .set({ revoked_at: Date.now() })
        .where('id', '=', id)
        .where('person_id', '=', caller.id)
        .where('revoked_at', 'is', null)
        .executeTakeFirst(),
    );
    if (numUpdatedRows === 0n) throw new HttpError('not-found', 'You have no token of this id.');
  }

  private async callerOfToken(token: string): Promise<Caller | null> {
    const now = Date.now();
    const row = await this.database.read((db) =>
      db
        .selectFrom('api_token')
        .innerJoin('person', 'person.id', 'api_token.person_id')
        .selectAll('person')
        .select(['api_token.id as token_id', 'permissions', 'expires_at', 'revoked_at', 'last_used_at'])
        .where('token_hash', '=', hashOfToken(token))
        .executeTakeFirst(),
    );
    if (!row || row.revoked_at !== null || (row.expires_at ?? now + 1) <= now || isTrue(row.disabled)) {
      return null;
    }
    if ((row.last_used_at ?? 0) < now - lastUseMs) {
      await this.database.write((transaction) =>
        transaction
          .updateTable('api_token')
          .set({ last_used_at: now })
          .where('id', '=', row.token_id)
          .execute(),
      );
    }
    const { disabled: _, createdAt: __, ...person } = toPerson(row);
    const allowed = permissionsOf(person.role);
    const granted = (JSON.parse(row.permissions) as string[]).filter((name): name is Permission =>
      (permissions as readonly string[]).includes(name),
    );
    return {
      ...person,
      // Who loses a role loses what their tokens had of it.
      permissions: new Set(granted.filter((permission) => allowed.includes(permission))),
      by: 'token',
    };
  }

  private byEmail(email: string): Promise<Tables['person'] | undefined> {
    return this.database.read((db) =>
      db.selectFrom('person').selectAll().where('email', '=', email.toLowerCase()).executeTakeFirst(),
    );
  }

  private async endSessions(id: string): Promise<void> {
    await this.database.write((transaction) =>
      transaction.deleteFrom('person_session').where('person_id', '=', id).execute(),
    );
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

/** No cookie is set then, and the invitation is kept for another try. */
function refusal(problem: OidcProblem): { readonly headers: Headers; readonly problem: OidcProblem } {
  return { headers: new Headers(), problem };
}

/** For an invitation that cannot be accepted any more. */
function ifGone(error: unknown): null {
  if (error instanceof HttpError) return null;
  throw error;
}

type NewRole = Pick<Tables['invitation'], 'role'> &
  Partial<Pick<Tables['invitation'], 'judge_group' | 'audiences'>>;

/** Tokens are long and random, so a plain hash is as good as a slow one. */
function hashOfToken(token: string): string {
  return createHash('sha256').update(token).digest('hex');
}

function isTrue(value: number | boolean): boolean {
  return value === true || value === 1;
}

function toPerson(row: Tables['person']): Person {
  return {
    id: row.id,
    name: row.name,
    email: row.email,
    role: row.role as Role,
    group: row.judge_group,
    audiences: JSON.parse(row.audiences) as string[],
    disabled: isTrue(row.disabled),
    createdAt: new Date(row.created_at).getTime(),
  };
}

function toInvitation(row: Tables['invitation']): Invitation {
  return {
    id: row.id,
    role: row.role as Role,
    group: row.judge_group,
    audiences: JSON.parse(row.audiences) as string[],
    note: row.note,
    createdAt: row.created_at,
    expiresAt: row.expires_at,
    usedAt: row.used_at,
  };
}

function toToken(row: Tables['api_token']): ApiToken {
  return {
    id: row.id,
    name: row.name,
    permissions: JSON.parse(row.permissions) as Permission[],
    createdAt: row.created_at,
    expiresAt: row.expires_at,
    lastUsedAt: row.last_used_at,
  };
}

function invitationGone(): HttpError {
  return new HttpError(
    'not-found',
    'This invitation was used already, has expired, or never was. Ask for a new one.',
  );
}

function cookiesOf(response: Response): Headers {
  const headers = new Headers();
  for (const cookie of response.headers.getSetCookie()) headers.append('set-cookie', cookie);
  return headers;
}

function inWords(seconds: number): string {
  return seconds < 90 ? `${seconds} seconds` : `${Math.ceil(seconds / 60)} minutes`;
}
