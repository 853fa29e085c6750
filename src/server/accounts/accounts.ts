/** Accounts: who asks, signing in, people and their roles. */
import type { Database, Tables } from '../../store/index.ts';
import { HttpError } from '../http/http-error.ts';
import { ApiTokens } from './api-tokens.ts';
import { type Auth, createAuth } from './auth.ts';
import { cookiesOf } from './cookies.ts';
import { type Invitation, Invitations, type NewInvitation } from './invitations.ts';
import type { OidcOptions } from './oidc.ts';
import { OidcSignIn } from './oidc-sign-in.ts';
import { permissionsOf, type Role } from './permissions.ts';
import { type Caller, isTrue, type Person, toPerson } from './person.ts';
import { endSessions, giveRole } from './person-table.ts';
import { RateLimit } from './rate-limit.ts';
import { serverSecret } from './settings.ts';

export class Accounts {
  private readonly database: Database;
  private readonly auth: Auth;
  readonly invitations: Invitations;
  readonly tokens: ApiTokens;
  /** Where people may sign in besides; null for nowhere. */
  readonly oidc: OidcSignIn | null;
  private readonly failuresByAddress = new RateLimit({ most: 50, withinMs: 10 * 60_000 });
  private readonly failuresByEmail = new RateLimit({ most: 10, withinMs: 10 * 60_000 });

  private constructor(database: Database, auth: Auth, oidc: OidcOptions | null) {
    this.database = database;
    this.auth = auth;
    this.invitations = new Invitations(database);
    this.tokens = new ApiTokens(database);
    const { invitations } = this;
    this.oidc = oidc && new OidcSignIn({ options: oidc, database, auth, invitations });
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
      return token === undefined ? null : this.tokens.callerOf(token);
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
    // As a failure until it is none: else any number of guesses that come together would each be the first.
    const takeBack = keys.map(([limit, key]) => limit.count(key));
    let signedIn: Headers | null;
    try {
      signedIn = await this.cookiesFor(email, password);
    } catch (error) {
      for (const one of takeBack) one();
      throw error;
    }
    if (signedIn === null) {
      throw new HttpError('not-signed-in', 'E-mail address and password do not go together.');
    }
    for (const one of takeBack) one();
    this.failuresByEmail.forget(email.toLowerCase());
    return signedIn;
  }

  /** Null where they do not go together, or the account is locked. */
  private async cookiesFor(email: string, password: string): Promise<Headers | null> {
    const answer = await this.database.read(() =>
      this.auth.api.signInEmail({ body: { email, password }, asResponse: true }),
    );
    const person = answer.ok ? await this.byEmail(email) : undefined;
    if (!person) return null;
    if (!isTrue(person.disabled)) return cookiesOf(answer);
    await endSessions(this.database, person.id);
    return null;
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
  invite(options: NewInvitation): Promise<{ readonly token: string; readonly invitation: Invitation }> {
    return this.invitations.make(options);
  }

  /** Makes the account that an invitation is for, and signs it in. @returns the headers that set the cookie */
  async accept(
    token: string,
    person: { readonly name: string; readonly email: string; readonly password: string },
  ): Promise<Headers> {
    const invitation = await this.invitations.claim(token);
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
      if (id === undefined) await this.invitations.settle(invitation.id, null, null);
    }
    await giveRole(this.database, id, invitation);
    await this.invitations.settle(invitation.id, Date.now(), id);
    return cookiesOf(
      await this.database.read(() =>
        this.auth.api.signInEmail({
          body: { email: person.email, password: person.password },
          asResponse: true,
        }),
      ),
    );
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
    if (person.disabled) await endSessions(this.database, id);
    return person;
  }

  private byEmail(email: string): Promise<Tables['person'] | undefined> {
    return this.database.read((db) =>
      db.selectFrom('person').selectAll().where('email', '=', email.toLowerCase()).executeTakeFirst(),
    );
  }
}

function inWords(seconds: number): string {
  return seconds < 90 ? `${seconds} seconds` : `${Math.ceil(seconds / 60)} minutes`;
}
