/** What people may do, by role. An API token carries some of its owner's permissions. */

export const permissions = [
  'annotate',
  'adjudicate',
  'quality:read',
  'tasks:write',
  'playground',
  'runs:read',
  'runs:write',
  'constitution:read',
  'constitution:write',
  'accounts',
] as const;
export type Permission = (typeof permissions)[number];

export const roles = ['admin', 'adjudicator', 'annotator', 'viewer'] as const;
export type Role = (typeof roles)[number];

const seeing: readonly Permission[] = ['quality:read', 'runs:read', 'constitution:read'];

/**
 * Annotators see no statistics and no other judgements, so that theirs stay their own; viewers see everything and
 * change nothing.
 */
const permissionsByRole: Readonly<Record<Role, readonly Permission[]>> = {
  admin: permissions,
  adjudicator: ['annotate', 'adjudicate', 'playground', ...seeing],
  annotator: ['annotate', 'playground', 'constitution:read'],
  viewer: seeing,
};

export function permissionsOf(role: Role): readonly Permission[] {
  return permissionsByRole[role];
}

/** What a permission allows, for people who make tokens. */
export const permissionTexts: Readonly<Record<Permission, string>> = {
  annotate: 'get label tasks and answer them',
  adjudicate: 'decide where labels disagree',
  'quality:read': 'see progress, agreement and annotators',
  'tasks:write': 'create projects and label tasks',
  playground: 'talk with models, vote on their answers and file prompts as label tasks',
  'runs:read': 'see runs with their curves and samples',
  'runs:write': 'start, stop and resume recipes on the server’s machine',
  'constitution:read': 'read constitutions',
  'constitution:write': 'change constitutions',
  accounts: 'invite people and change their roles',
};
