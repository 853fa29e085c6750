/** Text: tokenizers, chat templates, training of byte-level BPE. */
export type { ChatMessage } from './chat-message.ts';
export { ChatTemplate, type EncodedChat, type RenderOptions } from './chat-template.ts';
export { loadTokenizer, TOKENIZER_FILES } from './load-tokenizer.ts';
export { simpleChatTemplate } from './simple-chat-template.ts';
export { StreamDecoder } from './stream-decoder.ts';
export { tokenBytes } from './token-ends.ts';
export { type DecodeOptions, type EncodeOptions, Tokenizer } from './tokenizer.ts';
export type { AddedToken, TokenizerConfig, TokenizerJson } from './tokenizer-json.ts';
export { type TrainBpeOptions, type TrainedBpe, trainBpe } from './train-bpe.ts';
