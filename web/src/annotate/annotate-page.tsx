/** Labelling: task after task. */
import { type ReactNode, useEffect, useMemo, useRef, useState, useSyncExternalStore } from 'react';
import { announce } from '../base/announcer.tsx';
import { get, type Me, post, type TaskView } from '../base/api.ts';
import { Dialog } from '../base/dialog.tsx';
import { keptAnswer } from '../base/kept.ts';
import { Markdown } from '../base/markdown.tsx';
import { go, Link } from '../base/router.tsx';
import { Failure, Loading } from '../base/states.tsx';
import { useData } from '../base/use-data.ts';
import { HelpDialog } from './help-dialog.tsx';
import { QualificationPill, qualificationOutcome, useQualification } from './qualification.tsx';
import { SentState } from './sent-state.tsx';
import { useKeys, useShortcutSetting } from './shortcuts.ts';
import type { SkipReason } from './skip-dialog.tsx';
import { type Answer, forgetDraft, hasDraft, TaskPane, type Times } from './task-pane.tsx';
import { TaskSource } from './task-source.ts';
import { useOutbox } from './use-outbox.ts';

interface Projects {
  readonly projects: readonly string[];
  readonly skipReasons: readonly SkipReason[];
}

export function AnnotatePage({ me, project }: { readonly me: Me; readonly project?: string }): ReactNode {
  const { data, error } = useData('projects', () =>
    keptAnswer(`projects ${me.id}`, () => get<Projects>('/api/label/projects')),
  );
  useEffect(() => {
    if (project === undefined && data?.projects.length === 1) {
      go(`/annotate/${encodeURIComponent(data.projects[0])}`, { replace: true });
    }
  }, [project, data]);
  if (error) return <Failure error={error} />;
  if (!data) return <Loading />;
  if (project !== undefined) return <Tasks key={project} me={me} project={project} {...data} />;
  if (data.projects.length === 0) return <NoProjects me={me} />;
  return (
    <main className="page narrow">
      <h1>Annotate</h1>
      <ul className="list">
        {data.projects.map((name) => (
          <li key={name}>
            <Link to={`/annotate/${encodeURIComponent(name)}`}>{name}</Link>
          </li>
        ))}
      </ul>
    </main>
  );
}

function NoProjects({ me }: { readonly me: Me }): ReactNode {
  return (
    <main className="page narrow">
      <h1>Annotate</h1>
      <p>There are no label tasks yet.</p>
      {me.permissions.includes('tasks:write') && (
        <p className="quiet">
          Make some with <code>tenet label create</code>, or send them to{' '}
          <code>/api/label/projects/…/tasks</code>.
        </p>
      )}
    </main>
  );
}

/** An answer of before, which can be taken up again. */
interface Past {
  readonly task: TaskView;
  readonly answer: Answer;
  /** What a correction replaces. */
  readonly eventId: string;
}

interface TasksProps extends Projects {
  readonly me: Me;
  readonly project: string;
}

const extendEveryMs = 5 * 60_000;
const lookAgainMs = 20_000;

function Tasks({ me, project, projects, skipReasons }: TasksProps): ReactNode {
  const { outbox, state: sent } = useOutbox(me.id);
  const source = useMemo(
    () => new TaskSource({ project, person: me.id, underWay: () => outbox.state.waiting }),
    [project, me.id, outbox],
  );
  const state = useSyncExternalStore(
    (listener) => source.subscribe(listener),
    () => source.state,
  );
  const past = usePast(project);
  const [correcting, setCorrecting] = useState<Past | null>(null);
  const [count, setCount] = useState(0);
  const [dialog, setDialog] = useState<'help' | 'guideline' | null>(null);
  const base = `/api/label/projects/${encodeURIComponent(project)}`;
  const task = correcting?.task ?? state.tasks[0];
  // Counted by the server, so asked for when what was sent has arrived.
  const allDone = count - sent.waiting.length;
  const qualification = useQualification(base, allDone);
  const guideline = useData(`guideline ${base} ${task?.guidelineVersion}`, () =>
    keptAnswer(`guideline ${me.id} ${base} ${task?.guidelineVersion}`, () =>
      get<{ version: string; text: string } | null>(
        `${base}/guideline${task?.guidelineVersion ? `?version=${encodeURIComponent(task.guidelineVersion)}` : ''}`,
      ),
    ),
  );

  useEffect(() => {
    void source.fill();
    const extend = setInterval(() => {
      if (document.visibilityState === 'visible') void post(`${base}/extend`).catch(() => undefined);
    }, extendEveryMs);
    return () => clearInterval(extend);
  }, [source, base]);
  // Whoever leaves gives back what was only fetched ahead; what is begun is kept for them.
  useEffect(() => {
    const release = (): void => source.release((taskId) => hasDraft(me.id, taskId));
    addEventListener('pagehide', release);
    return () => {
      removeEventListener('pagehide', release);
      release();
    };
  }, [source, me.id]);
  // With answers arrived there is room for more tasks.
  const allArrived = sent.waiting.length === 0;
  useEffect(() => {
    if (allArrived) source.refill();
  }, [allArrived, source]);
  // New tasks may come in, and what others gave back.
  const waiting = (state.tasks.length === 0 || state.fromBefore) && !state.loading;
  useEffect(() => {
    if (!waiting) return undefined;
    const timer = setInterval(() => void source.fill(), lookAgainMs);
    return () => clearInterval(timer);
  }, [waiting, source]);

  // Answers to the questions of a qualification test are final.
  const remember = (answer: Past): void => {
    if (answer.task.purpose !== 'qualification') past.push(answer);
  };
  const finish = (answered: TaskView, said: string): void => {
    forgetDraft(me.id, answered.taskId);
    if (correcting) past.return();
    else source.done(answered.taskId);
    setCorrecting(null);
    setCount((before) => before + 1);
    announce(`${said} ${source.state.tasks.length > 0 ? 'Next task.' : 'That was the last one for now.'}`);
    scrollTo(0, 0);
  };
  const submit = (answered: TaskView, answer: Answer, times: Times): void => {
    const id = crypto.randomUUID();
    const { ranks, flags, rationale } = answer;
    const label = { id, taskId: answered.taskId, ranks, flags, rationale, ...times, judgedAt: Date.now() };
    outbox.put(
      correcting
        ? {
            id,
            taskId: answered.taskId,
            path: `${base}/corrections`,
            body: { ...label, supersedes: correcting.eventId },
          }
        : { id, taskId: answered.taskId, path: `${base}/labels`, body: label },
    );
    remember({ task: answered, answer, eventId: id });
    finish(answered, correcting ? 'Corrected.' : 'Submitted.');
  };
  const skip = (answered: TaskView, reason: string, note: string, times: Times): void => {
    const id = crypto.randomUUID();
    const body = {
      id,
      taskId: answered.taskId,
      reason,
      ...(note.trim() && { note }),
      ...times,
      judgedAt: Date.now(),
    };
    outbox.put({ id, taskId: answered.taskId, path: `${base}/skips`, body });
    remember({ task: answered, answer: blank(answered), eventId: id });
    finish(answered, 'Skipped.');
  };
  const undo = (): void => {
    const last = past.back(correcting);
    if (!last) {
      announce('There is nothing to undo.');
      return;
    }
    setCorrecting(last);
    announce('Back to your answer before.');
    scrollTo(0, 0);
  };

  const leave = (): void => {
    past.push(correcting!);
    past.return();
    setCorrecting(null);
    announce('Left as it was.');
  };

  return (
    <main className="annotate">
      <header className="bar">
        <h1>{project}</h1>
        {projects.length > 1 && (
          <Link to="/annotate" className="quiet-link">
            other projects
          </Link>
        )}
        {task?.purpose === 'qualification' && qualification && <QualificationPill state={qualification} />}
        {correcting && (
          <>
            <span className="pill wait">correcting an answer</span>
            <button type="button" className="quiet" onClick={leave}>
              Leave it as it was
            </button>
          </>
        )}
        <span className="spring" />
        <SentState state={sent} count={count} atHand={state.fromBefore ? state.tasks.length : null} />
        {guideline.data && (
          <button type="button" className="quiet" onClick={() => setDialog('guideline')}>
            Guideline <kbd>g</kbd>
          </button>
        )}
        <button type="button" className="quiet icon" aria-label="Keys" onClick={() => setDialog('help')}>
          ?
        </button>
      </header>
      {task ? (
        <TaskPane
          key={`${task.taskId} ${correcting?.eventId}`}
          task={task}
          person={me.id}
          before={correcting?.answer}
          skipReasons={skipReasons}
          submitLabel={correcting ? 'Correct' : 'Submit'}
          onSubmit={(answer, times) => submit(task, answer, times)}
          onSkip={correcting ? undefined : (reason, note, times) => skip(task, reason, note, times)}
          onUndo={undo}
          onGuideline={guideline.data ? () => setDialog('guideline') : undefined}
          onHelp={() => setDialog('help')}
          draftPath={correcting ? undefined : `${base}/drafts/${task.taskId}`}
        />
      ) : (
        <Nothing
          state={state}
          count={count}
          outcome={qualification && qualificationOutcome(qualification)}
          onUndo={undo}
          onRetry={() => void source.fill()}
        />
      )}
      {dialog === 'help' && <HelpDialog onClose={() => setDialog(null)} />}
      {dialog === 'guideline' && guideline.data && (
        <Dialog title={`Guideline ${guideline.data.version}`} side onClose={() => setDialog(null)}>
          <Markdown text={guideline.data.text} />
        </Dialog>
      )}
    </main>
  );
}

interface NothingProps {
  readonly state: TaskSource['state'];
  readonly count: number;
  /** Of a qualification test that was not passed. */
  readonly outcome: string | null;
  readonly onUndo: () => void;
  readonly onRetry: () => void;
}

function Nothing({ state, count, outcome, onUndo, onRetry }: NothingProps): ReactNode {
  const [keysOn] = useShortcutSetting();
  useKeys((key) => {
    if (key !== 'u') return false;
    onUndo();
    return true;
  }, keysOn);
  if (state.error) return <Failure error={state.error} onRetry={onRetry} />;
  if (state.loading || !state.exhausted) return <Loading />;
  return (
    <div className="empty">
      <p className="serif">
        {outcome ??
          (count > 0 ? 'That was the last one. Thank you.' : 'There is nothing to label for you now.')}
      </p>
      {outcome === null && <p className="quiet">New tasks appear here by themselves.</p>}
      <div className="actions center">
        {count > 0 && (
          <button type="button" onClick={onUndo}>
            Back to my last answer <kbd>u</kbd>
          </button>
        )}
      </div>
    </div>
  );
}

/** What can be undone, the newest last. */
interface PastAnswers {
  readonly push: (past: Past) => void;
  /** One step back. @param from the answer that is open now, which stays for later */
  readonly back: (from: Past | null) => Past | undefined;
  /** Back to the present: answers that were passed by can be undone again. */
  readonly return: () => void;
}

/** Answers of now, and before them those the server has of earlier. */
function usePast(project: string): PastAnswers {
  const stack = useRef<Past[]>([]);
  const passed = useRef<Past[]>([]);
  useEffect(() => {
    let left = false;
    get<{ answers: { eventId: string; task: TaskView }[] }>(
      `/api/label/projects/${encodeURIComponent(project)}/mine?limit=100`,
    ).then(
      ({ answers }) => {
        if (left) return;
        const earlier = answers
          .toReversed()
          .map(({ eventId, task }) => ({ eventId, task, answer: answerOf(task) }));
        const known = new Set(stack.current.map(({ task }) => task.taskId));
        stack.current.unshift(...earlier.filter(({ task }) => !known.has(task.taskId)));
      },
      () => undefined, // then only what was answered now can be undone
    );
    return () => {
      left = true;
    };
  }, [project]);
  return useMemo(
    () => ({
      push: (past) => {
        stack.current.push(past);
      },
      back: (from) => {
        if (stack.current.length === 0) return undefined;
        if (from) passed.current.unshift(from);
        return stack.current.pop();
      },
      return: () => {
        stack.current.push(...passed.current.splice(0));
      },
    }),
    [],
  );
}

function answerOf(task: TaskView): Answer {
  const { draft } = task;
  return {
    ranks: draft?.ranks ?? blank(task).ranks,
    flags: (draft?.flags ?? []) as Answer['flags'],
    rationale: draft?.rationale ?? '',
  };
}

function blank(task: TaskView): Answer {
  return { ranks: task.cards.map(() => null), flags: [], rationale: '' };
}
