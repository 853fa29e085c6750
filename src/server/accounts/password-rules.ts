/** What a password must be; apart, because the browser's code reads it too. */
export const shortestPassword = 10;
export const longestPassword = 200;
