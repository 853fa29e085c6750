/** People and who asks, as values. */
import type { Tables } from '../../store/index.ts';
import type { Permission, Role } from './permissions.ts';

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

export function toPerson(row: Tables['person']): Person {
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

/** Truth as the database has it. */
export function isTrue(value: number | boolean): boolean {
  return value === true || value === 1;
}
