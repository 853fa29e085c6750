/** Writes rows as Parquet with proper lists and structs, so that other programs read them as such. */
import { TenetError } from '../base/index.ts';
import { type Shape, schemaElements, storedValue } from './parquet-shape.ts';
import { readBytes } from './read-bytes.ts';
import { readJsonl } from './read-jsonl.ts';

/** A row group is written when it has so many rows, or so many characters of JSON; it is what a reader holds at once. */
const GROUP_ROWS = 4096;
const GROUP_CHARACTERS = 32 * 1024 * 1024;

/**
 * Brings rows from JSON Lines to Parquet (snappy), a row group in memory at a time.
 * @param rowsPath JSON Lines, one object each
 * @param shape    fits all rows; see `widen`
 * @param to.name  what messages call the file
 */
export async function writeParquet(
  rowsPath: string,
  shape: Shape,
  { path, name }: { readonly path: string; readonly name: string },
): Promise<void> {
  if (shape.kind !== 'struct' || shape.fields.size === 0) {
    throw new TenetError(
      'data',
      `${name}: ${shape.kind === 'json' ? 'a field name that is empty or has a dot cannot be a column' : 'Parquet needs at least one row with a field'}; write JSON Lines instead.`,
    );
  }
  const { fileWriter, ParquetWriter } = await import('hyparquet-writer');
  const columns = [...shape.fields];
  const writer = new ParquetWriter({
    writer: fileWriter(path),
    schema: [
      { name: 'root', num_children: columns.length },
      ...columns.flatMap(([name, one]) => schemaElements(name, one)),
    ],
    createdBy: 'tenet',
  });
  let rows: Record<string, unknown>[] = [];
  let characters = 0;
  const writeGroup = async () => {
    const columnData = columns.map(([name, one]) => ({
      name,
      data: rows.map((row) => storedValue(row[name], one)),
    }));
    await writer.write({ columnData, rowGroupSize: rows.length });
    rows = [];
    characters = 0;
  };
  for await (const { line, value, error } of readJsonl(readBytes(rowsPath))) {
    if (error !== undefined) throw new TenetError('data', `${name}: row ${line} ${error}.`);
    rows.push(value as Record<string, unknown>);
    characters += JSON.stringify(value).length;
    if (rows.length >= GROUP_ROWS || characters >= GROUP_CHARACTERS) await writeGroup();
  }
  if (rows.length > 0) await writeGroup();
  await writer.finish();
}
