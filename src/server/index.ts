/** Servers. */
export * from './openai/index.ts';
