/** API tokens: what programs sign in with. */
import { randomBytes, randomUUID } from 'node:crypto';
import type { Database, Tables } from '../../store/index.ts';
import { HttpError } from '../http/http-error.ts';
import { type Permission, permissions, permissionsOf } from './permissions.ts';
import { type Caller, isTrue, toPerson } from './person.ts';
import { hashOfToken } from './token-hash.ts';

export interface ApiToken {
  readonly id: string;
  readonly name: string;
  readonly permissions: readonly Permission[];
  readonly createdAt: number;
  readonly expiresAt: number | null;
  readonly lastUsedAt: number | null;
}

/** How exact the last use of a token is recorded, so that not every request writes. */
const lastUseMs = 60_000;

export class ApiTokens {
  private readonly database: Database;

  constructor(database: Database) {
    this.database = database;
  }

  async make(
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

  async list(caller: Caller): Promise<ApiToken[]> {
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

  async revoke(caller: Caller, id: string): Promise<void> {
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

  /** Whose token it is, and what it may do; null for one that is none. */
  async callerOf(token: string): Promise<Caller | null> {
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
