/** Choices by votes, for models that tell no log-probabilities: sampled answers are read and counted. */
import type { CallOptions, ChatRequest, Choice, ChoiceRequest, LanguageModel } from '../language-model.ts';
import { isNeedsVotes } from '../providers/provided-model.ts';
import { readOption } from '../read-option.ts';
import { usageOfAll } from '../usage-of-all.ts';

const defaultVotes = 5;
/** Below this probability of all options together the answer was about something else, and votes tell more. */
const leastMass = 0.05;

/**
 * The model, which chooses from log-probabilities where it can and by votes otherwise. Each vote is a conversation of
 * its own with its own seed, so that layers below keep it, limit it and retry it alone.
 */
export function votingModel(model: LanguageModel): LanguageModel {
  return {
    id: model.id,
    get exactChoices() {
      return model.exactChoices;
    },
    chat: (request, options) => model.chat(request, options),
    choose: async (request, options = {}) => {
      const tried = await fromLogProbs(model, request, options);
      if (tried && tried.mass >= leastMass) return tried;
      const voted = await vote(model, request, options);
      return tried ? { ...voted, usage: usageOfAll([tried.usage, voted.usage], 'in turn') } : voted;
    },
    close: () => model.close(),
  };
}

/** The choice from log-probabilities, or null where there are none. */
async function fromLogProbs(
  model: LanguageModel,
  request: ChoiceRequest,
  options: CallOptions,
): Promise<Choice | null> {
  if (!model.exactChoices) return null;
  try {
    return await model.choose(request, options);
  } catch (error) {
    if (isNeedsVotes(error)) return null;
    throw error;
  }
}

async function vote(model: LanguageModel, request: ChoiceRequest, options: CallOptions): Promise<Choice> {
  const { options: names, votes: wanted = defaultVotes, seed = 0, messages, temperature, topP } = request;
  // At temperature 0 all votes would be the same one.
  const votes = temperature === 0 ? 1 : wanted;
  const longest = Math.max(...names.map(({ length }) => length));
  const ballot: ChatRequest = {
    messages,
    temperature,
    topP,
    maxTokens: 64 + longest,
    // Where the answer has begun, it has to go on as it began.
    ...(messages.at(-1)?.role !== 'assistant' && { json: ballotForm(names) }),
  };
  const answers = await Promise.all(
    Array.from({ length: votes }, (_, i) => model.chat({ ...ballot, seed: seed * 1000 + i }, options)),
  );
  const counts = names.map(() => 0);
  for (const { text } of answers) {
    const choice = readOption(text, names);
    if (choice !== null) counts[choice]++;
  }
  const valid = counts.reduce((sum, count) => sum + count, 0);
  return {
    probabilities: counts.map((count) => (valid === 0 ? 1 / names.length : count / valid)),
    method: 'votes',
    mass: valid / votes,
    usage: usageOfAll(
      answers.map(({ usage }) => usage),
      'at once',
    ),
  };
}

function ballotForm(options: readonly string[]): ChatRequest['json'] {
  return {
    name: 'choice',
    schema: {
      type: 'object',
      properties: { answer: { type: 'string', enum: [...options] } },
      required: ['answer'],
      additionalProperties: false,
    },
  };
}
