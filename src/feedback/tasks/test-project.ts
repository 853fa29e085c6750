/** The project that the questions of a project's qualification test belong to; lists of projects leave it out. */

const suffix = ' · qualification test';

export function testOf(project: string): string {
  return `${project}${suffix}`;
}

export function isTest(project: string): boolean {
  return project.endsWith(suffix);
}
