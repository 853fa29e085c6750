/** Wrong requests are refused before any model is asked. */
import { TenetError } from '../base/index.ts';
import type { ChatRequest, ChoiceRequest, Message } from './language-model.ts';

const roles = ['system', 'user', 'assistant'];

/** @throws TenetError('usage') naming everything that is wrong */
export function checkChatRequest(request: ChatRequest): void {
  const problems = commonProblems(request);
  const { maxTokens, stop = [] } = request;
  if (maxTokens !== undefined && !(Number.isInteger(maxTokens) && maxTokens > 0)) {
    problems.push(`maxTokens is ${maxTokens}, must be a whole number > 0`);
  }
  if (stop.includes('')) problems.push('a stop text is empty; it would end every answer');
  refuse('Chat request', problems);
}

/** @throws TenetError('usage') naming everything that is wrong */
export function checkChoiceRequest(request: ChoiceRequest): void {
  const problems = commonProblems(request);
  const { options, votes } = request;
  if (options.length < 2) problems.push(`there are ${options.length} options; give at least two`);
  if (options.some((option) => option.trim() === '')) problems.push('an option is empty');
  const twice = options.find((option, i) => options.indexOf(option) !== i);
  if (twice !== undefined) problems.push(`the option ${JSON.stringify(twice)} is given twice`);
  if (votes !== undefined && !(Number.isInteger(votes) && votes > 0)) {
    problems.push(`votes is ${votes}, must be a whole number > 0`);
  }
  refuse('Choice request', problems);
}

function commonProblems(request: {
  readonly messages: readonly Message[];
  readonly temperature?: number;
  readonly topP?: number;
  readonly seed?: number;
}): string[] {
  const { messages, temperature = 1, topP = 1, seed } = request;
  const problems: string[] = [];
  if (messages.length === 0) problems.push('there are no messages');
  messages.forEach(({ role, content }, i) => {
    if (!roles.includes(role)) {
      problems.push(`message ${i} has the role ${JSON.stringify(role)}, must be ${roles.join(', ')}`);
    }
    if (typeof content !== 'string') problems.push(`message ${i} has no text as its content`);
  });
  if (messages.length === 1 && messages[0].role === 'assistant' && messages[0].content === '') {
    problems.push('the only message is an empty one of the assistant');
  }
  if (!(temperature >= 0))
    problems.push(`temperature is ${temperature}, must be ≥ 0 (0 = most likely token)`);
  if (!(topP > 0 && topP <= 1)) problems.push(`topP is ${topP}, must be in (0, 1] (1 = all)`);
  if (seed !== undefined && !Number.isInteger(seed)) {
    problems.push(`seed is ${seed}, must be a whole number`);
  }
  return problems;
}

function refuse(what: string, problems: readonly string[]): void {
  if (problems.length > 0)
    throw new TenetError('usage', `${what}: ${problems.join('; ')}.`, { details: { problems } });
}
