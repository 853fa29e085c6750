/** Looks for content in a valid example that training would stumble over. */
import type { Example } from './example.ts';
import { contentText, partsOf } from './example-text.ts';
import { textOf } from './hh-transcript.ts';
import { decides } from './objective-labels.ts';

/** What a problem is about; counted in the report. */
export type ProblemKind =
  | 'bad row' // does not fit its format
  | 'empty' // an empty prompt, response or text
  | 'identical responses' // ranked differently, but the same text
  | 'nothing to compare' // all responses tied or not judged
  | 'no assistant turn' // a conversation without anything to learn
  | 'duplicate' // the same row once more
  | 'special token in text' // the name of a control token inside a text
  | 'too long' // over the given length
  | 'cannot be encoded' // the chat template or tokenizer refuses it
  | 'near-duplicate'; // its prompt occurs in the other file, or nearly

export interface ContentProblem {
  kind: ProblemKind;
  field: string;
  problem: string;
}

/** @param specialTokens names of control tokens that must not occur inside texts. */
export function checkExample(
  example: Example,
  record: object,
  specialTokens: readonly string[] = [],
): ContentProblem[] {
  const problems: ContentProblem[] = [];
  const parts = partsOf(example, record);
  for (const { role, field, content } of parts) {
    const text = contentText(content);
    if (text.trim() === '') problems.push({ kind: 'empty', field, problem: `the ${role} is empty` });
    const token = specialTokens.find((name) => text.includes(name));
    if (token) {
      const problem = `the ${role} has "${token}" in it, which becomes that control token`;
      problems.push({ kind: 'special token in text', field, problem });
    }
  }
  if (example.kind === 'chat') {
    const answers = example.messages.filter((message) => message.role === 'assistant');
    if (answers.length === 0) {
      const problem = 'the conversation has no assistant turn: nothing to learn';
      problems.push({ kind: 'no assistant turn', field: 'messages', problem });
    } else if (answers.some((answer) => textOf(answer).trim() === '' && !answer.tool_calls)) {
      problems.push({ kind: 'empty', field: 'messages', problem: 'an assistant turn is empty' });
    }
  }
  if (example.kind === 'ranking') {
    const { ranks, responses, objectives } = example;
    if (!objectives && !decides(example)) {
      const problem = `all responses are tied or not judged (ranks ${ranks.join(', ')})`;
      problems.push({ kind: 'nothing to compare', field: 'ranks', problem });
    }
    const seen = new Map<string, number>();
    const names = parts.filter((part) => part.role === 'response').map((part) => part.field);
    responses.forEach((response, i) => {
      if (ranks[i] === null) return;
      const text = contentText(response).trim();
      const earlier = seen.get(text);
      if (earlier === undefined) seen.set(text, i);
      else if (ranks[earlier] !== ranks[i]) {
        const problem = `is the same text as ${names[earlier]}, yet ranked differently`;
        problems.push({ kind: 'identical responses', field: names[i], problem });
      }
    });
  }
  return problems;
}
