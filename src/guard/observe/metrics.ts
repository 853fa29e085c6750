/** Counts for Prometheus, in its text format. */
import type { ExchangeReport, GuardObserver } from '../enforce/exchange.ts';
import type { ScreeningFailure } from '../enforce/screening-failure.ts';
import type { Where } from '../enforce/verdict.ts';
import type { Screening } from '../screen.ts';

type Labels = Readonly<Record<string, string>>;

/** Upper bounds, in seconds. */
const bounds = [0.0001, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

/**
 * Models and principles are named by whoever asks or by the guard, so series are kept to what the policy knows: rules,
 * places, outcomes, stages, and principles up to a number.
 * @see https://prometheus.io/docs/instrumenting/exposition_formats/
 */
export class GuardMetrics implements GuardObserver {
  private readonly families = new Map<string, Family>();
  private readonly startedAt = Date.now() / 1000;
  private readonly principles = new Set<string>();
  private underway = 0;

  constructor() {
    this.family('tenet_guard_requests_total', 'counter', 'Requests by what became of them.');
    this.family(
      'tenet_guard_blocks_total',
      'counter',
      'Conversations and answers over their threshold, in shadow mode too.',
    );
    this.family('tenet_guard_screenings_total', 'counter', 'Screenings by the stage that decided.');
    this.family('tenet_guard_failures_total', 'counter', 'Screenings that failed or took too long.');
    this.family('tenet_guard_upstream_responses_total', 'counter', 'Answers of the upstream by status.');
    this.family('tenet_guard_cases_total', 'counter', 'Cases that people are asked to judge.');
    this.family('tenet_guard_screening_seconds', 'histogram', 'How long a screening takes.');
    this.family(
      'tenet_guard_request_seconds',
      'histogram',
      'How long a request takes, the upstream included.',
    );
  }

  /** Requests under way. */
  get active(): number {
    return this.underway;
  }

  /** A request has come. @returns to be called when it has gone; the first call counts */
  begin(): () => void {
    this.underway++;
    let hasGone = false;
    return () => {
      if (!hasGone) this.underway--;
      hasGone = true;
    };
  }

  screened(where: Where, { stage, isRepeated = false }: Screening, milliseconds: number): void {
    if (isRepeated) return;
    this.count('tenet_guard_screenings_total', { where, stage });
    this.observe('tenet_guard_screening_seconds', { where }, milliseconds / 1000);
  }

  failed({ where, reason }: ScreeningFailure): void {
    this.count('tenet_guard_failures_total', { where, reason });
  }

  finished(report: ExchangeReport): void {
    const rule = report.rules.name;
    const { mode } = report.rules;
    this.count('tenet_guard_requests_total', { rule, outcome: report.outcome });
    this.observe('tenet_guard_request_seconds', { rule }, report.durationMs / 1000);
    const verdicts = [
      ['input', report.input] as const,
      ...report.answers.map(({ verdict }) => ['output', verdict] as const),
    ];
    for (const [where, verdict] of verdicts) {
      if (verdict?.blocked) {
        const principle = this.known(verdict.principle ?? 'none');
        this.count('tenet_guard_blocks_total', { rule, mode, where, principle });
      }
    }
    if (report.upstreamStatus !== null) {
      this.count('tenet_guard_upstream_responses_total', { status: String(report.upstreamStatus) });
    }
  }

  /** People are asked to judge a case. */
  caseAdded(why: string): void {
    this.count('tenet_guard_cases_total', { why });
  }

  /** Everything, as Prometheus reads it. */
  text(): string {
    const lines = [
      '# HELP tenet_guard_requests_active Requests under way.',
      '# TYPE tenet_guard_requests_active gauge',
      `tenet_guard_requests_active ${this.underway}`,
      '# HELP process_start_time_seconds Start of the process since 1970.',
      '# TYPE process_start_time_seconds gauge',
      `process_start_time_seconds ${this.startedAt}`,
    ];
    for (const [name, { kind, help, series }] of this.families) {
      lines.push(`# HELP ${name} ${help}`, `# TYPE ${name} ${kind}`);
      for (const [labels, value] of series) lines.push(...linesOf(name, labels, value));
    }
    return `${lines.join('\n')}\n`;
  }

  private known(principle: string): string {
    if (this.principles.size < 100) this.principles.add(principle);
    return this.principles.has(principle) ? principle : 'other';
  }

  private family(name: string, kind: Family['kind'], help: string): void {
    this.families.set(name, { kind, help, series: new Map() });
  }

  private count(name: string, labels: Labels): void {
    const { series } = this.families.get(name)!;
    const key = keyOf(labels);
    series.set(key, ((series.get(key) as number | undefined) ?? 0) + 1);
  }

  private observe(name: string, labels: Labels, seconds: number): void {
    const { series } = this.families.get(name)!;
    const key = keyOf(labels);
    let histogram = series.get(key) as Histogram | undefined;
    if (!histogram) {
      histogram = { counts: new Array<number>(bounds.length).fill(0), sum: 0, count: 0 };
      series.set(key, histogram);
    }
    histogram.sum += seconds;
    histogram.count++;
    const at = bounds.findIndex((bound) => seconds <= bound);
    if (at >= 0) histogram.counts[at]++;
  }
}

interface Family {
  readonly kind: 'counter' | 'histogram';
  readonly help: string;
  readonly series: Map<string, number | Histogram>;
}

interface Histogram {
  /** [bounds] observations up to each bound and beyond the one before. */
  readonly counts: number[];
  sum: number;
  count: number;
}

function keyOf(labels: Labels): string {
  return Object.entries(labels)
    .map(([name, value]) => `${name}="${value.replace(/[\\"]/g, '\\$&').replaceAll('\n', '\\n')}"`)
    .join(',');
}

function linesOf(name: string, labels: string, value: number | Histogram): string[] {
  if (typeof value === 'number') return [`${name}{${labels}} ${value}`];
  let below = 0;
  const buckets = bounds.map((bound, i) => {
    below += value.counts[i];
    return `${name}_bucket{${labels},le="${bound}"} ${below}`;
  });
  return [
    ...buckets,
    `${name}_bucket{${labels},le="+Inf"} ${value.count}`,
    `${name}_sum{${labels}} ${value.sum}`,
    `${name}_count{${labels}} ${value.count}`,
  ];
}
