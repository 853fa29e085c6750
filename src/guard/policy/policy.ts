/**
 * What a guard does with what it finds: a policy, by route and model.
 *
 * The schema is the only source of names, defaults and help: the policy file, the middleware's options and the table in
 * the guide come from it.
 */
import { z } from 'zod';

const unit = z.number().min(0).max(1);

/** What may be said of all requests, or of those that a rule matches. */
const ruleFields = {
  mode: z
    .enum(['enforce', 'shadow', 'off'])
    .describe(
      'enforce: blocks; shadow: screens and records, but lets everything pass at once; off: screens nothing',
    ),
  thresholds: z
    .strictObject({
      input: unit.optional().describe('score from which a conversation is refused'),
      output: unit.optional().describe('score from which an answer is stopped'),
      principles: z
        .record(z.string(), unit)
        .optional()
        .describe('by principle or category: score from which it alone blocks, whatever the whole scores'),
    })
    .describe('default: those that the guard was made with, else 0.5'),
  failure: z
    .enum(['closed', 'open'])
    .describe(
      'when the guard cannot say, or not in time: closed answers with an error; open lets pass unscreened',
    ),
  timeLimitMs: z.int().min(1).describe('longest that one screening may take, in milliseconds'),
  holdBack: z
    .union([z.int().min(0), z.literal('all')])
    .describe(
      'characters that a stream stays behind what has been screened; 0: each piece leaves once it is cleared; all: nothing leaves before the whole answer is cleared',
    ),
  refusal: z.string().min(1).describe('what is answered in place of what was blocked'),
  otherContent: z
    .enum(['refuse', 'allow'])
    .describe(
      'images, audio, files, token ids: what a guard of texts cannot read is refused, or let pass unscreened',
    ),
} as const;

const defaults = {
  mode: 'enforce',
  failure: 'closed',
  timeLimitMs: 10_000,
  holdBack: 0,
  refusal: 'I can’t help with that.',
  otherContent: 'refuse',
} as const;

export const policySchema = z.strictObject({
  defaults: z
    .strictObject(ruleFields)
    .partial()
    .default({})
    .describe('for every request that no rule says more about'),
  rules: z
    .array(
      z.strictObject({
        ...z.strictObject(ruleFields).partial().shape,
        name: z
          .string()
          .regex(/^[a-z0-9][a-z0-9-]{0,40}$/, 'must be lower-case letters, digits and hyphens, at most 41')
          .describe('names it in metrics and the audit log'),
        match: z
          .strictObject({
            route: z
              .string()
              .startsWith('/')
              .optional()
              .describe('path of the request; * stands for any characters'),
            model: z
              .string()
              .min(1)
              .optional()
              .describe('model that the request names; * stands for any characters'),
          })
          .refine(
            (match) => match.route !== undefined || match.model !== undefined,
            'must name a route or a model',
          ),
      }),
    )
    .default([])
    .describe('the first that matches counts; what it leaves out is as in defaults'),
  cascade: z
    .array(
      z
        .strictObject({
          guard: z.string().min(1).optional().describe('keywords, or the folder of a guard'),
          judge: z
            .string()
            .min(1)
            .optional()
            .describe('a language model that is asked, such as openai:gpt-4.1-mini'),
          constitution: z
            .string()
            .min(1)
            .optional()
            .describe(
              'of a judge: the document that it judges by; default: a general policy of harm to people',
            ),
          every: z
            .int()
            .min(1)
            .optional()
            .describe('of a judge: characters of an answer after which it is asked again; default 400'),
          safe: unit.optional().describe('scores up to it let pass; on all stages but the last'),
          harmful: unit.optional().describe('scores from it on block; default: never, on the last stage 0.5'),
        })
        .refine(
          ({ guard, judge }) => (guard === undefined) !== (judge === undefined),
          'must name a guard or a judge, and not both',
        )
        .refine(
          ({ guard, constitution, every }) =>
            guard === undefined || (constitution === undefined && every === undefined),
          'has a constitution or every, which are a judge’s',
        ),
    )
    .min(1)
    .optional()
    .describe(
      'guards one behind the other in place of --guard: each is asked what the one before is not sure of',
    ),
  audit: z
    .strictObject({
      file: z.string().min(1).describe('JSON Lines, appended to'),
      content: z
        .enum(['hash', 'full', 'none'])
        .default('hash')
        .describe('hash: SHA-256 of the texts; full: the texts themselves; none: neither'),
    })
    .optional()
    .describe('a line for every request; default: no log'),
  ledger: z
    .strictObject({
      project: z
        .string()
        .regex(/^[^\p{C}\p{Z}+]{1,100}$/u, 'must be 1 to 100 characters without spaces and "+"')
        .default('guard'),
      blocks: z.boolean().default(true).describe('people judge what was blocked'),
      near: unit
        .default(0.1)
        .describe('people judge what was let pass with a score this near to its threshold'),
      overlap: z.int().min(1).max(100).default(1).describe('labels wanted for each case'),
      mostPerHour: z
        .int()
        .min(1)
        .default(500)
        .describe('new cases in an hour, so that an attack does not fill the queue; appeals do not count'),
    })
    .optional()
    .describe('which requests people are asked to judge; needs --store'),
  limits: z
    .strictObject({
      requestBytes: z
        .int()
        .min(1)
        .default(4 * 2 ** 20)
        .describe('largest request'),
      answerBytes: z
        .int()
        .min(1)
        .default(16 * 2 ** 20)
        .describe('largest answer of the upstream'),
      requests: z
        .int()
        .min(1)
        .default(1024)
        .describe('requests under way at once; more are turned away with 503'),
      upstreamSilenceMs: z
        .int()
        .min(1)
        .default(120_000)
        .describe('longest that the upstream may send nothing'),
    })
    .prefault({})
    .describe('of the proxy'),
  passThrough: z
    .array(z.string().startsWith('/'))
    .default([])
    .describe('paths that are passed on unscreened, such as /v1/embeddings; anything else is refused'),
  moderation: z
    .strictObject({
      categories: z
        .record(z.string(), z.string())
        .default({})
        .describe('by principle: the category of /v1/moderations that it counts as'),
    })
    .prefault({})
    .describe('how /v1/moderations names what was found'),
});

export type GuardPolicyInput = z.input<typeof policySchema>;
export type GuardPolicy = z.output<typeof policySchema>;

/** What holds for one request, nothing left open. */
export interface GuardRules {
  /** `default`, or the rule's name. */
  readonly name: string;
  readonly mode: 'enforce' | 'shadow' | 'off';
  readonly thresholds: Thresholds;
  readonly failure: 'closed' | 'open';
  readonly timeLimitMs: number;
  /** Characters; Infinity for `all`. */
  readonly holdBack: number;
  readonly refusal: string;
  readonly otherContent: 'refuse' | 'allow';
}

/** True: what the guard cannot read must not pass. */
export function refusesOtherContent({
  mode,
  otherContent,
}: Pick<GuardRules, 'mode' | 'otherContent'>): boolean {
  return mode === 'enforce' && otherContent === 'refuse';
}

export interface Thresholds {
  readonly input: number;
  readonly output: number;
  readonly principles: Readonly<Record<string, number>>;
}

const usualThreshold = 0.5;

/**
 * What a policy says of a request.
 * @param made thresholds that the guard was made with
 */
export function rulesFor(
  policy: Pick<GuardPolicy, 'defaults' | 'rules'>,
  request: { readonly route?: string; readonly model?: string },
  made: { readonly input?: number; readonly output?: number } = {},
): GuardRules {
  const rule = policy.rules.find(
    ({ match }) => matches(match.route, request.route) && matches(match.model, request.model),
  );
  const said = { ...defaults, ...given(policy.defaults), ...given(rule ?? {}) };
  const [usual, own] = [given(policy.defaults.thresholds ?? {}), given(rule?.thresholds ?? {})];
  const thresholds = { ...usual, ...own };
  return {
    name: rule?.name ?? 'default',
    mode: said.mode,
    thresholds: {
      input: thresholds.input ?? made.input ?? usualThreshold,
      output: thresholds.output ?? made.output ?? usualThreshold,
      principles: { ...usual.principles, ...own.principles },
    },
    failure: said.failure,
    timeLimitMs: said.timeLimitMs,
    holdBack: said.holdBack === 'all' ? Number.POSITIVE_INFINITY : said.holdBack,
    refusal: said.refusal,
    otherContent: said.otherContent,
  };
}

function matches(pattern: string | undefined, text: string | undefined): boolean {
  if (pattern === undefined) return true;
  const parts = pattern.split('*').map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'));
  return new RegExp(`^${parts.join('.*')}$`, 's').test(text ?? '');
}

/** Without the fields that are undefined, which would hide those below. */
function given<T extends object>(fields: T): T {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as T;
}
