/**
 * What a critique comes to: that something is wrong, or that nothing is.
 *
 * Models say "no violation" in a hundred ways, often after praise and sometimes before a fault after all. A sentence
 * that names a fault or asks for a change therefore outweighs every sentence that clears the response, and a critique
 * that does neither counts as unclear, which callers treat like a fault: a needless revision costs less than a
 * missing one. English wording; in other languages only the fixed answers at the beginning are understood.
 */

/** `unclear`: neither a fault nor a clearance was recognised. */
export type Verdict = 'violation' | 'no-violation' | 'unclear';

/** The answer that requests made from a principle's text ask for. */
export const NO_VIOLATION = 'No violation.';

/** Answers that stand at the beginning, in the words that we or others ask for. */
const fixedClear =
  /^(no(ne|pe)?[.!,;:]?($|\s+(violations?|issues?|problems?|faults?|harm|critique|concerns?|revisions?|changes?|comments?|corrections?)\b)|n\/?a\b|not applicable|nothing($|[.!])|nothing (is|to|was|obvious|wrong|in)\b|(this|it|the principle) does not apply)/i;
const fixedNo = /^no\b([,.:;!]|$)/i;
const fixedYes = /^yes\b[,.:;!]?/i;

/** What harm is called, after "no", "any" and the like. */
const harm =
  '(?:violations?|harms?|harmful\\w*|issues?|problems?|faults?|concerns?|toxic\\w*|offen[cs]\\w*|unethical|illegal|dangerous|danger|inappropriate|insensitive|biased?|racis\\w*|sexis\\w*|misogyn\\w*|objectionable|controversial|derogatory|unsafe|wrong|critici[sz]m|errors?)';

const clearing: readonly RegExp[] = [
  new RegExp(
    `\\b(?:no|not|nothing|without|isn't|aren't|wasn't|doesn't|don't|didn't|neither|never|free of|nor)\\b[^.;]{0,50}\\b${harm}`,
    'i',
  ),
  /\b(no|not|nothing|doesn't|don't|didn't|isn't)\b[^.;]{0,30}\b(violat\w+|break\w*|go(es)? against|revis\w+|chang\w+|correct(ion)?|rewrit\w+)\b/i,
  /\b(harmless|unharmful|inoffensive|innocuous|flawless)\b/i,
  /\b(perfect(ly)?|excellent|ideal|exemplary|great|good|well|fine|okay|ok|appropriate(ly)?|acceptable|thoughtful|empathetic|respectful|balanced|neutral|reasonable|honest|correct(ly)?|right)\b/i,
  /\b(avoid(s|ed|ing)?|refrain(s|ed)?|respects?|keeps? to|follows?|complies|consistent with|in line with)\b/i,
];

const naming: readonly RegExp[] = [
  // Asks for something else.
  /\b(should|ought to|needs? to|must|has to)(n't|n’t| not)?('ve| have)?\b(?! (always )?(be|have been) (praised|commended))/i,
  /\bcould('ve| have| be| also| use| benefit| point| do| include| mention| say| add| improve)\b/i,
  /\b(would|might|may|it's|it is) (be )?(better|best|good to|preferable|helpful to|worth|want to)\b/i,
  /\b(i|we) (would|'d)( \w+)? (suggest|recommend|advise|prefer|add)\b/i,
  /\b(suggestion|improvement|room for|recommend revising|revise to|instead)\b/i,
  // Says what is wrong.
  /\b(fail(s|ed|ing|ure)?|neglect(s|ed)?|forg[eo]t\w*|omit(s|ted)?|miss(es|ed|ing)?|lacks?|lacking|overlook\w*|ignor(es|ed|ing)|skipped|fell for)\b/i,
  /\b(did|does|do|has|was|is)(n't|n’t| not) (mention|address|explain|explore|caution|warn|respond|answer|consider|give|offer|acknowledge|point|use|specify|enough|truthful|true|honest|helpful|appropriate|respectful|clear|accurate)\w*/i,
  /\b(can|could|may|might|potentially|possibly|would)\b[^.;]{0,40}\b(harm\w*|hurt\w*|injur\w*|offen[cs]\w*|encourag\w+|imply|implies|implicitly|perpetuat\w+|undermin\w+|mislead\w*|discourag\w+|degrad\w+|sexist|racist|interpreted|seen as|come off|controversial|dangerous|lead to|kill|poison|burn|intense|difficult)\b/i,
  /\b(mislead\w*|reinforc\w+|stereotyp\w+|objectif\w+|marginaliz\w+|demean\w*|belittl\w+|insult\w*|mocks?|moraliz\w+|preach\w*|condescend\w+|overly|too (many|much|long|short|harsh|sure|certain|graphic|technical)|evasive|unhelpful|incorrect|inaccurate|false|untrue|made[- ]up|invents?|lies|lied)\b/i,
  /\b(violates?|violated|breaks?|goes against|contradicts?|breach\w*|promotes?|endors\w+|incit\w+|condon(es|ing)|serious mistake|main criticism|biggest harm|problem is|issue is)\b/i,
  /\b(is|are|was|were|seems?|appears?|sounds?|feels?|looks?|being|highly|very|quite|somewhat|potentially|inherently|blatant(ly)?) (a |an |an? example of )?(harmful|unethical|illegal|dangerous|rude|toxic|racist|sexis[tm]|misogynistic|offensive|insensitive|inappropriate|wrong|unsafe|cruel|gendered|misleading|manipulative|dishonest|biased|vague|exclusively|irresponsible)\b/i,
];

/** Negated faults: `not harmful`, `no harmful content`, `without being insensitive`, `avoids harmful …`, `rather than …`. */
const negated = new RegExp(
  `\\b(?:no|not|none|nobody|nor|nothing|never|without|neither|isn't|aren't|wasn't|doesn't|don't|didn't|avoid(?:s|ed|ing)?|free of|instead of|rather than|unlikely to|anything (?:that is )?(?:explicitly )?)\\b(?:[^.;,]|, (?!but|however)){0,60}\\b(?:${harm}|misleading|false|violat\\w+|break\\w*|revis\\w+|stereotyp\\w*|preach\\w*|moraliz\\w*|insult\\w*|mock\\w*|judg\\w+|injur\\w+|hurts?|claims?)\\b`,
  'gi',
);

/** Praise that has the words of a demand: `exactly how the response should've been`. */
const demandMet =
  /\b(exactly )?(how|what|as|where) (it|they|the (response|assistant|answer)|one)( \w+)? (should|must|ought to|needs? to)('ve| have)?( been| do| be| say)?\b/gi;

/**
 * What the other side did is no fault of the response. Only the beginning of the sentence: what follows a "but" may be.
 */
const aboutHuman =
  /^(the|this) (human|user|person)('s [^,.;]*)? (is|was|seems?|wants?|wanted|said|asked|may|might|must|has|clearly|actively|definitely)\b[^,;]*/i;

/** Questions that a good response gets a yes to, as in `Is the response kind?`. */
const virtue =
  /\b(kind|polite|respectful|honest|truthful|true|helpful|useful|thoughtful|empathetic|accurate|correct|appropriate|safe|harmless|fair|balanced|clear|keeps?|follows?|respects?)\b/i;
const fault = new RegExp(
  `\\b(?:${harm}|against|violat\\w*|break\\w*|false|untrue|injur\\w*|hurt\\w*|insult\\w*|fail\\w*|lack\\w*|leave out|withhold\\w*|lie|lies|refus\\w*|praise\\w*)\\b`,
  'i',
);

/** True: the first question of a request asks whether the response is good, so that "no" names a fault. */
function asksForVirtue(request: string): boolean {
  const question = /[^.?!]*\?/.exec(request)?.[0] ?? '';
  return virtue.test(question) && !fault.test(question);
}

/**
 * What a critique says: see the head of the file.
 * @param request what it answers, which decides what a yes or no at its beginning means. Default: a question for faults
 */
export function verdictOf(critique: string, request = ''): Verdict {
  const text = critique.replaceAll('’', "'").replace(/\s+/g, ' ').trim();
  if (text === '') return 'unclear';
  const begins = fixedYes.test(text) ? 'yes' : fixedNo.test(text) ? 'no' : null;
  const isFault = asksForVirtue(request) ? 'no' : 'yes';
  if (begins === isFault) return 'violation';
  const sentences = text.split(/(?<=[.!?])(?=\s|[A-Z])\s*/);
  if (sentences.some(namesFault)) return 'violation';
  const clears =
    begins !== null ||
    fixedClear.test(text) ||
    sentences.some(
      (sentence) => clearing.some((cue) => cue.test(sentence)) || sentence.search(demandMet) >= 0,
    );
  return clears ? 'no-violation' : 'unclear';
}

function namesFault(sentence: string): boolean {
  const bare = sentence.replace(demandMet, '').replace(negated, '').replace(aboutHuman, '');
  return naming.some((cue) => cue.test(bare));
}
