/** The files of a Hugging Face tokenizer, as far as Tenet looks into them. */

/** `tokenizer_config.json`: named special tokens and settings. Unknown keys are kept. */
export interface TokenizerConfig {
  bos_token?: string | { content: string } | null;
  eos_token?: string | { content: string } | null;
  pad_token?: string | { content: string } | null;
  unk_token?: string | { content: string } | null;
  /** True: `addSpecialTokens` puts the bos token first. Absent: as the post-processor of tokenizer.json says. */
  add_bos_token?: boolean | null;
  /** True: `addSpecialTokens` puts the eos token last. */
  add_eos_token?: boolean | null;
  chat_template?: string | { name: string; template: string }[] | null;
  [key: string]: unknown;
}

/** One entry of `added_tokens` in tokenizer.json. */
export interface AddedToken {
  id: number;
  content: string;
  /** True: a control token, dropped by `skipSpecialTokens`. */
  special?: boolean;
  [key: string]: unknown;
}

/** `tokenizer.json` as far as Tenet looks into it. */
export interface TokenizerJson {
  added_tokens?: AddedToken[] | null;
  model: { type?: string; [key: string]: unknown };
  [key: string]: unknown;
}
