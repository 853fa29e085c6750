/** Accounts and sessions through better-auth, on the store's own tables. */
import { betterAuth } from 'better-auth';
import { genericOAuth } from 'better-auth/plugins/generic-oauth';
import type { Database } from '../../store/index.ts';
import { type OidcOptions, providerConfig } from './oidc.ts';
import { hashPassword, verifyPassword } from './password.ts';
import { longestPassword, shortestPassword } from './password-rules.ts';

export interface AuthOptions {
  readonly database: Database;
  /** Signs the cookies. */
  readonly secret: string;
  /** Where people reach the server, such as `http://127.0.0.1:8100`. */
  readonly baseUrl: string;
  /** People may sign in there too. Default null: with passwords only. */
  readonly oidc?: OidcOptions | null;
}

const sessionSeconds = 14 * 24 * 3600;

/**
 * `__Host-`: the browser takes the cookie only from this very host and over a connection that it trusts, which those
 * to this machine are too.
 */
export const sessionCookie = '__Host-tenet';
/** Ties the way to a provider and back to one browser. */
export const stateCookie = '__Host-tenet-state';
const cookieAttributes = { secure: true, httpOnly: true, sameSite: 'lax', path: '/' } as const;

/** better-auth's own type says which calls there are. */
export type Auth = ReturnType<typeof createAuth>;

/**
 * Only functions of `auth.api` are used; none of better-auth's routes can be reached from outside, and neither can
 * what they would let people do to their own accounts.
 */
export function createAuth({ database, secret, baseUrl, oidc = null }: AuthOptions) {
  const times = { createdAt: 'created_at', updatedAt: 'updated_at' };
  return betterAuth({
    secret,
    baseURL: baseUrl,
    database: { db: database.db, type: database.dialect },
    telemetry: { enabled: false },
    logger: { level: 'error' },
    emailAndPassword: {
      enabled: true,
      autoSignIn: false,
      minPasswordLength: shortestPassword,
      maxPasswordLength: longestPassword,
      password: {
        hash: hashPassword,
        verify: ({ password, hash }) => verifyPassword(password, hash),
      },
    },
    user: {
      modelName: 'person',
      fields: { emailVerified: 'email_verified', ...times },
      additionalFields: {
        role: { type: 'string', required: true, input: false, defaultValue: 'viewer' },
        judgeGroup: { type: 'string', required: false, input: false, fieldName: 'judge_group' },
        audiences: { type: 'string', required: true, input: false, defaultValue: '[]' },
        disabled: { type: 'boolean', required: true, input: false, defaultValue: false },
      },
    },
    session: {
      modelName: 'person_session',
      fields: {
        userId: 'person_id',
        expiresAt: 'expires_at',
        ipAddress: 'ip_address',
        userAgent: 'user_agent',
        ...times,
      },
      expiresIn: sessionSeconds,
      updateAge: 24 * 3600,
    },
    account: {
      modelName: 'person_login',
      fields: {
        userId: 'person_id',
        accountId: 'account_id',
        providerId: 'provider_id',
        accessToken: 'access_token',
        refreshToken: 'refresh_token',
        accessTokenExpiresAt: 'access_token_expires_at',
        refreshTokenExpiresAt: 'refresh_token_expires_at',
        idToken: 'id_token',
        ...times,
      },
      // Whoever was invited first with somebody's e-mail address would share that person's account.
      accountLinking: { disableImplicitLinking: true },
    },
    plugins: oidc === null ? [] : [genericOAuth({ config: [providerConfig(oidc, baseUrl)] })],
    verification: { modelName: 'login_verification', fields: { expiresAt: 'expires_at', ...times } },
    advanced: {
      useSecureCookies: false, // its own prefix would be __Secure-
      cookies: {
        session_token: { name: sessionCookie, attributes: cookieAttributes },
        state: { name: stateCookie, attributes: cookieAttributes },
      },
      ipAddress: { disableIpTracking: true },
    },
  });
}
