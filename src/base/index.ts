export { canonicalJson, type Json } from './canonical-json.ts';
export { type ErrorCode, exitCodeOf, nearest, TenetError } from './error.ts';
export { explainFileError } from './file-error.ts';
export { exists, hashFile, hashOf, syncFolder, writeFileAtomic } from './files.ts';
export { recoverFolder, replaceFolder } from './folders.ts';
export { breakable, escapeHtml, Html, type HtmlValue, html, scriptJson } from './html.ts';
export { Random, type RandomState } from './random.ts';
export { receivedError, type SentError, sendableError } from './sent-error.ts';
export { startWorker } from './start-worker.ts';
export { correlation, meanOf, medianOf, sigmoid } from './statistics.ts';
export {
  answerCall,
  openWorkerCalls,
  type WorkerAnswer,
  WorkerCalls,
  type WorkerGreeting,
  type WorkerNews,
} from './worker-calls.ts';
