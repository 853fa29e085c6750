/** What something was made of, and what that was made of, down to where the record begins. */
import type { LedgerSelection } from '../../store/index.ts';

export interface ProvenanceNode {
  /** Unique in the tree. */
  readonly id: string;
  readonly kind:
    | 'model'
    | 'stage'
    | 'recipe'
    | 'data'
    | 'constitution'
    | 'code'
    | 'labels'
    | 'judges'
    | 'principle'
    /** Something that stands elsewhere in the tree; `name` is its id. */
    | 'reference';
  readonly name: string;
  /** What the parent used it for, e.g. `policy`, `sft data`. */
  readonly role?: string;
  /** `sha256:…` as recorded: of the weights, the file, the document, the selected events. */
  readonly hash?: string;
  /** Where it was. Left out for what has no place of its own, and in records that travel with a model. */
  readonly path?: string;
  /** More of what was recorded, a few words each: when, how many, with which version. */
  readonly facts: readonly string[];
  /** Of labels: how to select them again. */
  readonly labels?: LedgerSelection;
  /** Of an exported model: `sha256:…` of its files of weights, by name. */
  readonly files?: Readonly<Record<string, string>>;
  readonly children: readonly ProvenanceNode[];
}

/** A copy that may travel: without paths, addresses and conditions, which are nobody else's business. */
export function withoutPlaces(node: ProvenanceNode): ProvenanceNode {
  const { path: _path, labels: _labels, children, ...rest } = node;
  return { ...rest, children: children.map(withoutPlaces) };
}
