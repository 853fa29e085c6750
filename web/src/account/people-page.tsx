import { type FormEvent, type ReactNode, useState } from 'react';
import { ask, get, type Invitation, type Me, type Person, post } from '../base/api.ts';
import { dayOf } from '../base/format.ts';
import { Failure, Loading } from '../base/states.tsx';
import { useData } from '../base/use-data.ts';

const roles = ['annotator', 'adjudicator', 'viewer', 'admin'] as const;

/** Who has an account; inviting others. */
export function PeoplePage({ me }: { readonly me: Me }): ReactNode {
  const people = useData('people', () => get<{ people: Person[] }>('/api/people'));
  const [problem, setProblem] = useState<string | null>(null);
  const change = async (id: string, body: object): Promise<void> => {
    setProblem(null);
    await ask('PATCH', `/api/people/${id}`, body).catch((error: Error) => setProblem(error.message));
    people.reload();
  };
  if (people.error) return <Failure error={people.error} onRetry={people.reload} />;
  if (!people.data) return <Loading />;
  return (
    <main className="page">
      <h1>People</h1>
      {problem && (
        <p className="problem" role="alert">
          {problem}
        </p>
      )}
      <section className="scroll" tabIndex={0} aria-label="People">
        <table>
          <thead>
            <tr>
              <th>Name</th>
              <th>Role</th>
              <th>Group</th>
              <th>Gets tasks for</th>
              <th>Since</th>
              <th>
                <span className="unseen">Access</span>
              </th>
            </tr>
          </thead>
          <tbody>
            {people.data.people.map((person) => (
              <tr key={person.id} data-off={person.disabled || undefined}>
                <td>
                  <strong>{person.name}</strong>
                  {person.id === me.id && <span className="quiet"> (you)</span>}
                  <div className="quiet">{person.email}</div>
                </td>
                <td>
                  <select
                    aria-label={`Role of ${person.name}`}
                    value={person.role}
                    onChange={(event) => void change(person.id, { role: event.target.value })}
                  >
                    {roles.map((role) => (
                      <option key={role}>{role}</option>
                    ))}
                  </select>
                </td>
                <td>
                  <EditableText
                    label={`Group of ${person.name}`}
                    value={person.group ?? ''}
                    onChange={(text) => void change(person.id, { group: text || null })}
                  />
                </td>
                <td>
                  <EditableText
                    label={`Audiences of ${person.name}, separated by commas`}
                    value={person.audiences.join(', ')}
                    onChange={(text) => void change(person.id, { audiences: wordsOf(text) })}
                  />
                </td>
                <td className="quiet">{dayOf(person.createdAt)}</td>
                <td>
                  <button
                    type="button"
                    className="quiet"
                    aria-label={`${person.disabled ? 'Let in' : 'Lock out'} ${person.name}`}
                    onClick={() => void change(person.id, { disabled: !person.disabled })}
                  >
                    {person.disabled ? 'Let in' : 'Lock out'}
                  </button>
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </section>
      <Invitations />
    </main>
  );
}

interface EditableTextProps {
  readonly label: string;
  readonly value: string;
  readonly onChange: (text: string) => void;
}

/** Changed when the focus leaves it. */
function EditableText({ label, value, onChange }: EditableTextProps): ReactNode {
  return (
    <input
      key={value}
      aria-label={label}
      defaultValue={value}
      placeholder="–"
      onBlur={(event) => {
        const text = event.target.value.trim();
        if (text !== value) onChange(text);
      }}
    />
  );
}

function Invitations(): ReactNode {
  const { data, reload } = useData('invitations', () =>
    get<{ invitations: Invitation[] }>('/api/invitations'),
  );
  const [link, setLink] = useState<string | null>(null);
  const [copied, setCopied] = useState(false);
  const [problem, setProblem] = useState<string | null>(null);
  const submit = async (event: FormEvent<HTMLFormElement>): Promise<void> => {
    event.preventDefault();
    const form = event.currentTarget;
    const fields = new FormData(form);
    setProblem(null);
    try {
      const made = await post<{ link: string }>('/api/invitations', {
        role: fields.get('role'),
        group: String(fields.get('group')).trim() || null,
        audiences: wordsOf(String(fields.get('audiences'))),
        note: String(fields.get('note')).trim() || undefined,
      });
      setLink(made.link);
      setCopied(false);
      form.reset();
      reload();
    } catch (failure) {
      setProblem((failure as Error).message);
    }
  };
  const now = Date.now();
  const open = data?.invitations.filter(({ usedAt, expiresAt }) => usedAt === null && expiresAt > now) ?? [];
  return (
    <section aria-labelledby="invite-title">
      <h2 id="invite-title">Invite somebody</h2>
      <form className="form inline" onSubmit={submit}>
        <label>
          Role
          <select name="role">
            {roles.map((role) => (
              <option key={role}>{role}</option>
            ))}
          </select>
        </label>
        <label>
          Group
          <input name="group" maxLength={60} placeholder="experts" />
        </label>
        <label>
          Gets tasks for
          <input name="audiences" placeholder="de, medicine" />
        </label>
        <label>
          Note
          <input name="note" maxLength={200} placeholder="for whom" />
        </label>
        <button type="submit" className="primary">
          Make a link
        </button>
      </form>
      {problem && (
        <p className="problem" role="alert">
          {problem}
        </p>
      )}
      {link && (
        <div className="notice" role="status">
          <p>Send this link; it works once, for seven days, and is not shown again.</p>
          <code className="secret">{link}</code>{' '}
          <button
            type="button"
            onClick={() => void navigator.clipboard.writeText(link).then(() => setCopied(true))}
          >
            {copied ? 'Copied' : 'Copy'}
          </button>
        </div>
      )}
      {open.length > 0 && (
        <>
          <h3>Open invitations</h3>
          <ul className="list">
            {open.map((invitation) => (
              <li key={invitation.id}>
                <span>
                  {invitation.role}
                  {invitation.note && `, ${invitation.note}`}{' '}
                  <span className="quiet">until {dayOf(invitation.expiresAt)}</span>
                </span>
                <button
                  type="button"
                  className="quiet"
                  aria-label={`Withdraw the invitation of ${invitation.role} ${invitation.note ?? ''}`}
                  onClick={() => void ask('DELETE', `/api/invitations/${invitation.id}`).then(reload)}
                >
                  Withdraw
                </button>
              </li>
            ))}
          </ul>
        </>
      )}
    </section>
  );
}

function wordsOf(text: string): string[] {
  return text
    .split(',')
    .map((word) => word.trim())
    .filter((word) => word !== '');
}
