/** The texts inside an example, for counting, comparing and checking. */
import type { Example } from './example.ts';
import { textOf } from './hh-transcript.ts';
import type { Content } from './record.ts';

/** A content as one text; messages as their texts, one to a line. */
export function contentText(content: Content): string {
  return typeof content === 'string' ? content : content.map(textOf).join('\n');
}

/** One text of an example and the field it stands for. */
export interface Part {
  /** 'prompt', 'response' or 'text'. */
  role: 'prompt' | 'response' | 'text';
  /** Name for messages, such as `responses[2]`. */
  field: string;
  content: Content;
}

/** Prompt, responses or text of an example, under the names that its record uses. */
export function partsOf(example: Example, record: object): Part[] {
  const named = (field: string, otherwise: string) => (field in record ? field : otherwise);
  switch (example.kind) {
    case 'text':
      return [{ role: 'text', field: 'text', content: example.text }];
    case 'chat':
      return [{ role: 'text', field: named('messages', 'conversations'), content: example.messages }];
    case 'prompt':
      return [{ role: 'prompt', field: 'prompt', content: example.prompt }];
    case 'completion':
      return [
        { role: 'prompt', field: named('prompt', named('instruction', 'messages')), content: example.prompt },
        {
          role: 'response',
          field: named('completion', named('output', 'messages')),
          content: example.completion,
        },
      ];
    case 'steps':
      return [
        { role: 'prompt', field: 'prompt', content: example.prompt },
        ...example.completions.map(
          (content, i): Part => ({ role: 'response', field: `completions[${i}]`, content }),
        ),
      ];
    case 'ranking': {
      const isPair = 'chosen' in record;
      const field = (i: number) =>
        isPair ? ['chosen', 'rejected'][i] : 'output_1' in record ? `output_${i + 1}` : `responses[${i}]`;
      return [
        {
          role: 'prompt',
          field: named('prompt', named('conversations', named('input', 'chosen'))),
          content: example.prompt,
        },
        ...example.responses.map((content, i): Part => ({ role: 'response', field: field(i), content })),
      ];
    }
  }
}

/** What two files must not share: the prompt, or the whole text where there is none. */
export function comparedText(example: Example): string {
  if (example.kind === 'text') return example.text;
  return contentText(example.kind === 'chat' ? example.messages : example.prompt);
}
