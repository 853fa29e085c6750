/** For whom a page asks; apart, because the browser's code reads it too. */
export const personHeader = 'tenet-person';
