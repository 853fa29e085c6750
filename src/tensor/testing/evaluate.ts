/** Computes a graph once, for tests. */
import type { Graph, Tensor, TensorData } from '../graph.ts';
import { type Feeds, Session } from '../session.ts';

/** The tensors' values as plain numbers, row-major. */
export async function evaluate<Names extends string>(
  graph: Graph,
  outputs: Readonly<Record<Names, Tensor>>,
  feeds: Feeds = {},
): Promise<Record<Names, number[]>> {
  const session = await Session.create<Names>(graph, outputs, { threads: 1 });
  try {
    const values = await session.run(feeds);
    const lists = Object.entries<{ data: TensorData }>(values).map(([name, { data }]): [string, number[]] => [
      name,
      Array.from(data as ArrayLike<number | bigint>, Number),
    ]);
    return Object.fromEntries(lists) as Record<Names, number[]>;
  } finally {
    await session.release();
  }
}
