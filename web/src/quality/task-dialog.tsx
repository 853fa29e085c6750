/** A task with all that people said of it, by name. */
import type { ReactNode } from 'react';
import { Conversation } from '../annotate/conversation.tsx';
import { get, type TaskOpinions } from '../base/api.ts';
import { Dialog } from '../base/dialog.tsx';
import { durationOf } from '../base/format.ts';
import { Markdown } from '../base/markdown.tsx';
import { Failure, Loading } from '../base/states.tsx';
import { useData } from '../base/use-data.ts';

interface TaskDialogProps {
  readonly address: string;
  readonly taskId: string;
  readonly onClose: () => void;
}

export function TaskDialog({ address, taskId, onClose }: TaskDialogProps): ReactNode {
  const { data, error } = useData(`${address} ${taskId}`, () =>
    get<TaskOpinions>(`${address}/tasks/${encodeURIComponent(taskId)}`),
  );
  return (
    <Dialog title="Who said what" wide onClose={onClose}>
      {error && <Failure error={error} />}
      {!data && !error && <Loading />}
      {data && <Opinions task={data} />}
    </Dialog>
  );
}

type Given = TaskOpinions['labels'][number];

function Opinions({ task }: { readonly task: TaskOpinions }): ReactNode {
  const { prompt, responses, labels, decision, gold } = task;
  const rows = [
    ...labels.map((given) => ({ given, what: nameOf(given) })),
    ...(decision ? [{ given: decision, what: `${nameOf(decision)} decided` }] : []),
  ];
  return (
    <>
      <Conversation prompt={prompt} />
      <section className="scroll" tabIndex={0} aria-label="Rankings">
        <table className="opinions">
          <thead>
            <tr>
              <th>Rank, and card where it was shown</th>
              {responses.map((_, i) => (
                <th key={i} data-align="center">
                  Response {i + 1}
                </th>
              ))}
              <th data-align="right">Time</th>
            </tr>
          </thead>
          <tbody>
            {rows.map(({ given, what }, row) => (
              <tr key={row}>
                <th scope="row">
                  {what}
                  {given.who.group && <div className="quiet">{given.who.group}</div>}
                  {given.flags.length > 0 && <div className="quiet">{given.flags.join(', ')}</div>}
                </th>
                {responses.map((_, i) => (
                  <td key={i} data-align="center" data-best={given.ranks?.[i] === 1 || undefined}>
                    {given.ranks?.[i] ?? '–'} <span className="quiet">{cardOf(given, i)}</span>
                  </td>
                ))}
                <td data-align="right">{given.activeMs === null ? '–' : durationOf(given.activeMs)}</td>
              </tr>
            ))}
            {gold && (
              <tr>
                <th scope="row">Known answer</th>
                {gold.map((rank, i) => (
                  <td key={i} data-align="center">
                    {rank ?? '–'}
                  </td>
                ))}
                <td />
              </tr>
            )}
          </tbody>
        </table>
      </section>
      {rows
        .filter(({ given }) => given.rationale)
        .map(({ given, what }, i) => (
          <figure key={i} className="opinion">
            <blockquote className="plain">{given.rationale}</blockquote>
            <figcaption className="quiet">{what}</figcaption>
          </figure>
        ))}
      <div className="pair">
        {responses.map(({ text, model }, i) => (
          <section key={i} aria-label={`Response ${i + 1}`}>
            <h3>
              Response {i + 1} {model && <span className="quiet">{model}</span>}
            </h3>
            <Markdown text={text} />
          </section>
        ))}
      </div>
    </>
  );
}

function nameOf({ who }: Given): string {
  return who.name ?? who.id;
}

/** The letter of the card that a response was shown on. */
function cardOf({ shownOrder }: Given, response: number): string {
  const position = shownOrder?.indexOf(response) ?? -1;
  return position < 0 ? '' : String.fromCharCode(65 + position);
}
