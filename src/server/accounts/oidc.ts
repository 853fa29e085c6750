/** Signing in with accounts that people have elsewhere: one provider of OpenID Connect, if it is set up. */
import type { GenericOAuthConfig } from 'better-auth/plugins/generic-oauth';
import { z } from 'zod';
import { TenetError } from '../../base/index.ts';

export interface OidcOptions {
  /** Where the provider says what it offers: `<issuer>/.well-known/openid-configuration`. */
  readonly issuer: string;
  readonly clientId: string;
  /** Never logged, and stored nowhere. Left out: a public client, which proves itself by PKCE alone. */
  readonly clientSecret?: string;
  /** What the provider is called on the page: `Sign in with …`. Default: its host. */
  readonly name: string;
  /** The role of people who come without an invitation; null: nobody does. */
  readonly role: 'viewer' | 'annotator' | 'adjudicator' | null;
}

export const oidcProvider = 'oidc';
/** The provider sends people back here. */
export const oidcCallbackPath = '/api/session/oidc/callback';

const settings = z.strictObject({
  issuer: z.url({ protocol: /^https?$/, error: 'is no address; give one like https://login.example.org' }),
  clientId: z.string().min(1, 'is missing: the name by which the provider knows Tenet'),
  clientSecret: z.string().min(1).optional(),
  name: z.string().min(1).max(60).optional(),
  role: z
    .enum(['viewer', 'annotator', 'adjudicator', 'none'], 'must be viewer, annotator, adjudicator or none')
    .default('none'),
});

/** Settings as flags and environment have them; null where there is no issuer. */
export type OidcSettings = Partial<Record<keyof z.input<typeof settings>, string>>;

/**
 * @throws TenetError('usage') that names every problem, and never the secret; also for a provider without https on another
 *   machine
 */
export function oidcOptions(given: OidcSettings): OidcOptions | null {
  if (given.issuer === undefined && given.clientId === undefined) return null;
  const parsed = settings.safeParse(given);
  if (!parsed.success) {
    const problems = parsed.error.issues.map(({ path, message }) => `  ${path.join('.')} ${message}`);
    throw new TenetError(
      'usage',
      `Signing in through OpenID Connect is not set up rightly:\n${problems.join('\n')}`,
    );
  }
  const { issuer, clientId, clientSecret, role } = parsed.data;
  const { protocol, hostname, host } = new URL(issuer);
  if (protocol !== 'https:' && !['localhost', '127.0.0.1', '[::1]'].includes(hostname)) {
    throw new TenetError('usage', `The provider ${issuer} must be reached over https.`);
  }
  return {
    ...{ issuer: issuer.replace(/\/+$/, ''), clientId, name: parsed.data.name ?? host },
    ...(clientSecret !== undefined && { clientSecret }),
    role: role === 'none' ? null : role,
  };
}

/** As better-auth takes it. ID tokens are checked by signature, issuer, audience and nonce, and the code by PKCE. */
export function providerConfig(options: OidcOptions, baseUrl: string): GenericOAuthConfig {
  const { issuer, clientId, clientSecret, name, role } = options;
  return {
    providerId: oidcProvider,
    ...{ name, clientId, ...(clientSecret !== undefined && { clientSecret }) },
    discoveryUrl: `${issuer}/.well-known/openid-configuration`,
    requireIdTokenVerification: true,
    scopes: ['openid', 'email', 'profile'],
    redirectURI: `${baseUrl}${oidcCallbackPath}`,
    pkce: true,
    // Else whoever has an account there would have one here.
    disableImplicitSignUp: role === null,
  };
}
