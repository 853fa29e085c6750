/** Time at work and what it costs, by day, and what is still to come. */
import { type ReactNode, useState } from 'react';
import type { Quality } from '../base/api.ts';
import { durationOf } from '../base/format.ts';
import { dollars } from './figures.ts';

const setting = 'tenet dollars an hour';
/** As `tenet label plan` has it: AlpacaEval paid 300 dollars for 10.2 hours. */
const usualRate = 30;
const hourMs = 3_600_000;

export function CostSection({ quality }: { readonly quality: Quality }): ReactNode {
  const { days, progress, judgesUsd, audits } = quality;
  const [rate, setRate] = useState(() => Number(localStorage.getItem(setting) ?? usualRate));
  const total = days.reduce(
    (sum, day) => ({
      activeMs: sum.activeMs + day.activeMs,
      idleMs: sum.idleMs + day.idleMs,
      measured: sum.measured + day.measured,
      events: sum.events + day.labels + day.decisions + day.skips,
    }),
    { activeMs: 0, idleMs: 0, measured: 0, events: 0 },
  );
  const each = total.measured === 0 ? null : total.activeMs / total.measured;
  // What was not measured is taken to have cost as much as what was.
  const spentMs = each === null ? 0 : each * total.events;
  const left = Math.max(0, progress.wanted - progress.labels);
  const costOf = (ms: number): string => dollars((ms / hourMs) * rate);
  return (
    <>
      <form className="form inline" onSubmit={(event) => event.preventDefault()}>
        <label>
          Dollars an hour
          <input
            type="number"
            min={0}
            step="any"
            value={rate}
            onChange={(event) => {
              setRate(event.target.valueAsNumber || 0);
              localStorage.setItem(setting, String(event.target.valueAsNumber || 0));
            }}
          />
        </label>
      </form>
      <dl className="figures spaced">
        <div>
          <dt>people so far</dt>
          <dd>{costOf(spentMs)}</dd>
        </div>
        <div>
          <dt>at work</dt>
          <dd>{durationOf(spentMs)}</dd>
        </div>
        <div>
          <dt>a label, on average</dt>
          <dd>{each === null ? '–' : durationOf(each)}</dd>
        </div>
        <div>
          <dt>still to come, {left} labels</dt>
          <dd>{each === null ? '–' : costOf(each * left)}</dd>
        </div>
        {audits.judged > 0 && (
          <div>
            <dt>AI judges so far</dt>
            <dd>{judgesUsd === null ? 'price not known' : dollars(judgesUsd)}</dd>
          </div>
        )}
      </dl>
      {total.measured < total.events && (
        <p className="quiet">
          The time of {total.measured} of {total.events} was measured; the others are taken to have taken as
          long.
        </p>
      )}
      {days.length > 0 && (
        <section className="scroll" tabIndex={0} aria-label="By day">
          <table>
            <thead>
              <tr>
                <th>Day (UTC)</th>
                <th data-align="right">Labels</th>
                <th data-align="right">Decisions</th>
                <th data-align="right">Skips</th>
                <th data-align="right">At work</th>
                <th data-align="right">Idle</th>
                <th data-align="right">Cost</th>
              </tr>
            </thead>
            <tbody>
              {days.toReversed().map((day) => (
                <tr key={day.day}>
                  <th scope="row">{day.day}</th>
                  <td data-align="right">{day.labels}</td>
                  <td data-align="right">{day.decisions}</td>
                  <td data-align="right">{day.skips}</td>
                  <td data-align="right">{durationOf(day.activeMs)}</td>
                  <td data-align="right">{durationOf(day.idleMs)}</td>
                  <td data-align="right">{costOf(day.activeMs)}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </section>
      )}
    </>
  );
}
