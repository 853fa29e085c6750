/** Two models side by side: talking, voting, and filing what went wrong as label tasks. */
import { type ReactNode, useState } from 'react';
import { get, type ShelfModel } from '../base/api.ts';
import { go, useAddress } from '../base/router.tsx';
import { Failure, Loading } from '../base/states.tsx';
import { useData } from '../base/use-data.ts';
import { SetUp } from './set-up.tsx';
import { TalkPane } from './talk-pane.tsx';
import { useConversation } from './use-conversation.ts';

/** What somebody came for. */
export type Mode = 'compare' | 'red-team';

export function PlaygroundPage(): ReactNode {
  const { searchParams } = useAddress();
  const id = searchParams.get('conversation') ?? undefined;
  const mode: Mode = searchParams.get('mode') === 'red-team' ? 'red-team' : 'compare';
  const { data, error, reload } = useData('playground models', () =>
    get<{ models: ShelfModel[] }>('/api/playground/models'),
  );
  const talk = useConversation(id);
  const [settings, setSettings] = useState(false);
  if (error && !data) return <Failure error={error} onRetry={reload} />;
  if (!data || talk.loading) return <Loading />;
  const open = (conversation: string, chosen: Mode): void => {
    setSettings(false);
    go(`/playground?conversation=${conversation}${chosen === 'red-team' ? '&mode=red-team' : ''}`);
  };
  if (talk.conversation && !settings) {
    return <TalkPane key={id} talk={talk} mode={mode} onNew={() => setSettings(true)} />;
  }
  return (
    <main className="page narrow">
      <h1>Playground</h1>
      {talk.problem && !talk.conversation && <p className="notice">{talk.problem}</p>}
      {data.models.length === 0 ? (
        <NoModels />
      ) : (
        <SetUp
          models={data.models}
          mode={mode}
          onBegun={open}
          onCancel={talk.conversation ? () => setSettings(false) : undefined}
        />
      )}
    </main>
  );
}

function NoModels(): ReactNode {
  return (
    <>
      <p>There are no models to talk with yet.</p>
      <p className="quiet">
        Models that runs make appear here by themselves. Others are named when the server is started:{' '}
        <code>tenet serve --playground my-model openai:gpt-4.1-mini</code>
      </p>
    </>
  );
}
