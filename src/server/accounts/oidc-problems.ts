/** Why the provider's word was not enough, for the page; apart, because the browser's code reads it too. */
export const oidcProblems = {
  'no-account': 'There is no account for you here. Ask an admin for an invitation link.',
  'other-login':
    'There is an account of your e-mail address that signs in with a password. Sign in with that; accounts are never joined.',
  locked: 'Your account is locked.',
  failed: 'Signing in there did not work. Try again.',
} as const;
export type OidcProblem = keyof typeof oidcProblems;
