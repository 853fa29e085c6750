/** What changed between two constitutions, word by word. */
import { diffWordsWithSpace } from 'diff';
import type { ReactNode } from 'react';
import type { CheckedConstitution } from '../base/api.ts';

type Diff = NonNullable<CheckedConstitution['diff']>;

const bumps: Readonly<Record<Diff['bump'], string>> = {
  none: 'Nothing changes for labels.',
  patch: 'Labels made before still hold: raise the last number of the version.',
  minor: 'Labels are made under other words from here on: raise the middle number of the version.',
  major: 'Labels made before no longer hold: raise the first number of the version.',
};
const rank = ['none', 'patch', 'minor', 'major'] as const;

export function Changes({ diff }: { readonly diff: Diff }): ReactNode {
  const { document, principles, bump, versionBump } = diff;
  const enough =
    versionBump !== null && versionBump !== 'lower' && rank.indexOf(versionBump) >= rank.indexOf(bump);
  return (
    <section aria-labelledby="changes-title">
      <h2 id="changes-title">Changes</h2>
      <p className={enough ? 'quiet' : 'notice'}>
        {enough && bump !== 'none' ? 'The version is raised by enough.' : bumps[bump]}
      </p>
      <ul className="list">
        {document.map(({ field, before, after }) => (
          <li key={field}>
            <div>
              <strong>{field}</strong>
              <Words before={before} after={after} />
            </div>
          </li>
        ))}
        {principles.map(({ id, kind, fields }) => (
          <li key={`${id} ${kind}`}>
            <div>
              <code>{id}</code> <span className="pill quiet">{kind}</span>
              {fields.map(({ field, before, after }) => (
                <div key={field}>
                  <span className="quiet">{field}</span>
                  <Words before={before} after={after} />
                </div>
              ))}
            </div>
          </li>
        ))}
      </ul>
    </section>
  );
}

function Words({ before, after }: { readonly before: string; readonly after: string }): ReactNode {
  return (
    <p className="plain words">
      {diffWordsWithSpace(before, after).map(({ value, added, removed }, i) =>
        added ? (
          <ins key={i}>{value}</ins>
        ) : removed ? (
          <del key={i}>{value}</del>
        ) : (
          <span key={i}>{value}</span>
        ),
      )}
    </p>
  );
}
