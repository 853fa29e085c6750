/** What was asked: a text, or the turns of a conversation. */
import type { ReactNode } from 'react';
import type { TaskView } from '../base/api.ts';
import { Markdown } from '../base/markdown.tsx';

const names: Readonly<Record<string, string>> = {
  user: 'Person',
  human: 'Person',
  assistant: 'Assistant',
  system: 'Instructions',
};

export function Conversation({ prompt }: { readonly prompt: TaskView['prompt'] }): ReactNode {
  const turns = typeof prompt === 'string' ? [{ role: 'user', content: prompt }] : prompt;
  return (
    <ol className="conversation">
      {turns.map(({ role, content }, i) => (
        <li key={i} data-role={role}>
          <span className="role">{names[role] ?? role}</span>
          <Markdown text={content} />
        </li>
      ))}
    </ol>
  );
}
