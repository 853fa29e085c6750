/** The world in a few lines, counted rather than claimed. */
import { families } from './families.ts';
import { responseWords } from './grammar.ts';
import { everyPrompt, promptKinds } from './prompt.ts';
import { fill } from './template.ts';

/** Every word of prompts and responses, lower case, sorted; numbers left out. */
export function worldVocabulary(): string[] {
  const words = responseWords();
  for (const split of ['train', 'test'] as const) {
    for (const prompt of everyPrompt(split)) {
      for (const word of prompt.text.toLowerCase().split(/[^a-z]+/)) if (word !== '') words.add(word);
    }
  }
  return [...words].sort();
}

/** A short description: size of vocabulary and splits, and one prompt of every kind and domain with its answer. */
export function describeWorld(): string {
  const train = [...everyPrompt('train')].length;
  const test = [...everyPrompt('test')].length;
  const lines = [
    'The sandbox world: a small assistant in the invented country of Velmora.',
    `${worldVocabulary().length} distinct words; ${train} prompts to train on, ${test} held out.`,
  ];
  for (const kind of promptKinds) {
    const members = families.filter((family) => family.kind === kind);
    const domains = [...new Set(members.map((family) => family.domain))];
    lines.push('', `${kind} (${members.length} families: ${domains.join(', ')})`);
    for (const domain of domains) {
      const family = members.find((member) => member.domain === domain)!;
      const slots = family.combinations()[0];
      const answer = family.answer(slots).map((part) => part.texts[0]);
      lines.push(`  ${fill(family.questions[0], slots)} → ${answer.join('; ')}`);
    }
  }
  return lines.join('\n');
}
