/** Accounts as they go over the wire. */
import { z } from 'zod';
import { longestPassword, shortestPassword } from '../accounts/password-rules.ts';
import { permissions, roles } from '../accounts/permissions.ts';

export const role = z.enum(roles);
export const permission = z.enum(permissions);
export const email = z.email().max(200);
export const password = z
  .string()
  .min(shortestPassword, `must have at least ${shortestPassword} characters`)
  .max(longestPassword);
export const group = z.string().trim().max(60).nullable();
export const audiences = z.array(z.string().trim().min(1).max(60)).max(50);
export const id = z.object({ id: z.string().max(100) });

export const meSchema = z.object({
  id: z.string(),
  name: z.string(),
  email: z.string(),
  role,
  group: z.string().nullable(),
  audiences: z.array(z.string()),
  permissions: z.array(permission),
});
export const personSchema = z.object({
  id: z.string(),
  name: z.string(),
  email: z.string(),
  role,
  group: z.string().nullable(),
  audiences: z.array(z.string()),
  disabled: z.boolean(),
  createdAt: z.number(),
});
export const invitationSchema = z.object({
  id: z.string(),
  role,
  group: z.string().nullable(),
  audiences: z.array(z.string()),
  note: z.string().nullable(),
  createdAt: z.number(),
  expiresAt: z.number(),
  usedAt: z.number().nullable(),
});
export const tokenSchema = z.object({
  id: z.string(),
  name: z.string(),
  permissions: z.array(permission),
  createdAt: z.number(),
  expiresAt: z.number().nullable(),
  lastUsedAt: z.number().nullable(),
});
export const done = z.object({});
