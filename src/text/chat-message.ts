/** One turn. Templates may look at further fields (`tool_calls`, `name`, `thinking` …). */
export interface ChatMessage {
  /** 'system', 'user', 'assistant' or 'tool'; some models know others. */
  role: string;
  /** The text; or a list of parts, as multimodal templates take it. */
  content?: string | readonly { type: string; text?: string; [key: string]: unknown }[] | null;
  [key: string]: unknown;
}
