/** One of the server's models. */
import type { ReactNode } from 'react';
import type { ShelfModel } from '../base/api.ts';

interface ModelSelectProps {
  readonly label: string;
  readonly name: string;
  readonly models: readonly ShelfModel[];
  readonly initial?: string;
}

const groups = [
  { from: 'given', label: 'Named at the start' },
  { from: 'run', label: 'Made by runs' },
  { from: 'base', label: 'What runs began with' },
] as const;

export function ModelSelect({ label, name, models, initial }: ModelSelectProps): ReactNode {
  return (
    <label>
      {label}
      <select name={name} defaultValue={initial}>
        {groups.map(({ from, label: group }) => {
          const own = models.filter((model) => model.from === from);
          if (own.length === 0) return null;
          return (
            <optgroup key={from} label={group}>
              {own.map((model) => (
                <option key={model.name}>{model.name}</option>
              ))}
            </optgroup>
          );
        })}
      </select>
    </label>
  );
}
