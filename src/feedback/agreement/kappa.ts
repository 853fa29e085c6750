/** Cohen's and Fleiss' κ: agreement about categories beyond chance, of two judges and of several. C = categories. */

/**
 * Cohen's κ of two judges.
 * @param table [C][C] how many units the first put into the row's category and the second into the column's
 * @returns null without units, or where both put all into one category
 * @see Cohen 1960, Educ. Psychol. Meas. 20.
 */
export function cohenKappa(table: readonly (readonly number[])[]): number | null {
  const rows = table.map((row) => row.reduce((sum, count) => sum + count, 0));
  const columns = table.map((_, c) => table.reduce((sum, row) => sum + row[c], 0));
  const total = rows.reduce((sum, count) => sum + count, 0);
  if (total === 0) return null;
  const observed = table.reduce((sum, row, c) => sum + row[c], 0) / total;
  const expected = rows.reduce((sum, count, c) => sum + count * columns[c], 0) / (total * total);
  return beyondChance(observed, expected);
}

/**
 * Fleiss' κ of several judges, who need not be the same for every unit, nor as many; a unit with fewer than two
 * judgements counts nothing.
 * @param counts [units][C] how many judges put the unit into the category
 * @returns null where nothing is to be compared, or all is in one category
 * @see Fleiss 1971, Psychol. Bull. 76.
 */
export function fleissKappa(counts: readonly (readonly number[])[]): number | null {
  const totals: number[] = [];
  let [agreement, units] = [0, 0];
  for (const unit of counts) {
    const judges = unit.reduce((sum, count) => sum + count, 0);
    if (judges < 2) continue;
    units++;
    agreement += unit.reduce((sum, count) => sum + count * (count - 1), 0) / (judges * (judges - 1));
    for (const [c, count] of unit.entries()) totals[c] = (totals[c] ?? 0) + count;
  }
  if (units === 0) return null;
  return beyondChance(agreement / units, chanceOf(totals));
}

/** How often two values drawn from these would be alike. */
export function chanceOf(totals: ArrayLike<number>): number {
  let [sum, squares] = [0, 0];
  for (let c = 0; c < totals.length; c++) {
    sum += totals[c];
    squares += totals[c] ** 2;
  }
  return squares / (sum * sum);
}

/** (observed − expected) / (1 − expected); null where chance alone agrees in everything. */
export function beyondChance(observed: number, expected: number): number | null {
  return expected < 1 ? (observed - expected) / (1 - expected) : null;
}
