/** Invitations: links that make one account each. */
import { randomBytes, randomUUID } from 'node:crypto';
import type { Database, Tables } from '../../store/index.ts';
import { HttpError } from '../http/http-error.ts';
import type { Role } from './permissions.ts';
import { hashOfToken } from './token-hash.ts';

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

const invitationMs = 7 * 24 * 3600 * 1000;

export class Invitations {
  private readonly database: Database;

  constructor(database: Database) {
    this.database = database;
  }

  /** @returns the secret that the link carries; only its hash is kept */
  async make(options: NewInvitation): Promise<{ readonly token: string; readonly invitation: Invitation }> {
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

  async list(): Promise<Invitation[]> {
    const rows = await this.database.read((db) =>
      db.selectFrom('invitation').selectAll().orderBy('created_at', 'desc').limit(500).execute(),
    );
    return rows.map(toInvitation);
  }

  /** What an invitation that can still be accepted offers. */
  async open(token: string): Promise<Invitation> {
    const row = await this.database.read((db) =>
      db.selectFrom('invitation').selectAll().where('token_hash', '=', hashOfToken(token)).executeTakeFirst(),
    );
    if (row?.used_at !== null || row.expires_at < Date.now()) throw invitationGone();
    return toInvitation(row);
  }

  async withdraw(id: string): Promise<void> {
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

  /** Takes an invitation, so that two people who follow one link do not both get in. */
  async claim(token: string): Promise<Tables['invitation']> {
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

  /** Marks an invitation that was taken as used, or gives it back. @param usedAt null: it can be accepted again */
  async settle(id: string, usedAt: number | null, usedBy: string | null): Promise<void> {
    await this.database.write((transaction) =>
      transaction
        .updateTable('invitation')
        .set({ used_at: usedAt, used_by: usedBy })
        .where('id', '=', id)
        .execute(),
    );
  }
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

function invitationGone(): HttpError {
  return new HttpError(
    'not-found',
    'This invitation was used already, has expired, or never was. Ask for a new one.',
  );
}
