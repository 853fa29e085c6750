/** Walks from a model back to the data, labels and principles that made it. */
export { type Check, type Checks, checkProvenance } from './check-provenance.ts';
export { collectProvenance } from './collect-provenance.ts';
export { formatProvenance, summariseChecks } from './format-provenance.ts';
export type { ProvenanceNode } from './provenance.ts';
