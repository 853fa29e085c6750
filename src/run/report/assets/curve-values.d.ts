export function smoothed(values: readonly (number | null)[]): (number | null)[] | null;
export function readable(value: number | null | undefined): string;
export const stepIncrements: number[];
export function cursorMove(key: string, steps: number): number | undefined;
