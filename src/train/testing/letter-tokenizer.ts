/** For tests: ids 1, 2, 3 … as the letters a, b, c …; 0 is the end token, which is no text. */
export const letterTokenizer: {
  decode(ids: ArrayLike<number>, options?: { skipSpecialTokens?: boolean }): string;
} = {
  decode: (ids, options = {}) =>
    Array.from(ids, (id) =>
      id === 0 ? (options.skipSpecialTokens ? '' : '.') : String.fromCharCode(96 + id),
    ).join(''),
};
