/** Numbers in sentences. */

/** Three significant digits. */
export function readable(value: number): string {
  return Number.isFinite(value) ? String(Number(value.toPrecision(3))) : String(value);
}

export function percent(share: number): string {
  return `${readable(100 * share)} %`;
}
