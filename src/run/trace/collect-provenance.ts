/** Reads the record of a model back through manifests: stages, their models and data, labels, principles. */
import { realpath } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { exists } from '../../base/index.ts';
import { shortHash } from '../../constitution/index.ts';
import type { LedgerSelection } from '../../store/index.ts';
import { findModel } from '../find-model.ts';
import {
  type InputRecord,
  type Manifest,
  readManifest,
  type StageRecord,
  type StageUse,
} from '../manifest.ts';
import type { StageResult } from '../stages/stage-run.ts';
import { readExportRecord } from './export-record.ts';
import type { ProvenanceNode } from './provenance.ts';

/**
 * The record of a model, as it was written; nothing is checked.
 * @param source a run folder, or a model folder in or outside of one
 * @param stage  of a run: whose model. Default: the newest language model
 * @throws TenetError('usage') when there is no such model
 */
export async function collectProvenance(source: string, stage?: string): Promise<ProvenanceNode> {
  const { folder } = await findModel(resolve(source), stage);
  return new Collector().model({ path: folder });
}

/** A run, and where it is. */
interface Run {
  readonly path: string;
  readonly manifest: Manifest;
}

class Collector {
  private readonly ids = new Map<string, string>();
  private count = 0;
  private readonly runs = new Map<string, Manifest>();
  /** Runs whose recipe and seeds stand in the tree. */
  private readonly described = new Set<string>();

  /** A model by its folder. @param hash as recorded by whoever used it */
  async model({ path, hash, role }: { path: string; hash?: string; role?: string }): Promise<ProvenanceNode> {
    const made = await this.makerOf(path, (result) => [result.model?.folder]);
    const name = made ? `${made.run.manifest.name}/${made.stage.name}` : basename(path);
    const recorded = hash ?? (made?.stage.results as StageResult | undefined)?.model?.weights;
    return this.node(
      `model ${path} ${recorded}`,
      { kind: 'model', name, role, path, hash: recorded },
      async (id) => {
        if (made) return { children: [await this.stage(made)] };
        const exported = await readExportRecord(path);
        if (!exported) return { facts: ['nothing is recorded about how it was made'], children: [] };
        const { files, provenance } = exported;
        return {
          facts: ['as recorded when it was exported', ...provenance.facts],
          files,
          hash: provenance.hash,
          children: provenance.children.map((child) => within(child, id)),
        };
      },
    );
  }

  private stage({ run, stage }: { run: Run; stage: StageRecord }): Promise<ProvenanceNode> {
    const { manifest } = run;
    return this.node(
      `stage ${run.path} ${stage.name}`,
      { kind: 'stage', name: stage.name, path: join(run.path, stage.folder) },
      async () => {
        const isFirst = !this.described.has(run.path);
        this.described.add(run.path);
        const children: ProvenanceNode[] = [];
        for (const use of stage.uses ?? []) children.push(await this.use(run, use));
        for (const input of manifest.inputs) {
          if (input.stage === stage.name) children.push(await this.input(input));
        }
        const finished = stage.finishedAt ? `finished ${stage.finishedAt.slice(0, 10)}` : stage.status;
        if (!isFirst) return { facts: [finished], children };
        return { facts: [finished, ...factsOf(manifest)], children: [...children, this.recipe(run)] };
      },
    );
  }

  private async use(run: Run, { kind, role, path, hash }: StageUse): Promise<ProvenanceNode> {
    const absolute = resolve(run.path, path);
    if (kind === 'model') return this.model({ path: absolute, hash, role });
    return this.data({ path: absolute, hash, role, facts: [] });
  }

  private async input(input: InputRecord): Promise<ProvenanceNode> {
    const { kind, name: role, path, hash, note, version, rows, skippedRows, labels } = input;
    const facts = [
      ...(rows === undefined ? [] : [counted(rows, 'row')]),
      ...(skippedRows ? [`${counted(skippedRows, 'bad row')} skipped`] : []),
      ...(version === undefined ? [] : [`version ${version}`]),
      ...(note === undefined ? [] : [note]),
    ];
    switch (kind) {
      case 'model':
        return this.model({ path, hash, role });
      case 'data':
        return this.data({ path, hash, role, facts, labels });
      case 'constitution':
        return this.node(
          `constitution ${hash}`,
          { kind, name: basename(path), role, path, hash },
          async () => ({
            facts,
          }),
        );
      case 'code':
        return this.node(`code ${hash}`, { kind, name: basename(path), role, path, hash }, async () => ({
          facts,
        }));
      case 'ledger':
        if (labels) return this.labels(labels, role);
        return this.node(`labels ${hash}`, { kind: 'labels', name: path, role, path, hash }, async () => ({
          facts,
        }));
    }
  }

  private async data(data: {
    path: string;
    hash: string;
    role: string;
    facts: readonly string[];
    labels?: LedgerSelection;
  }): Promise<ProvenanceNode> {
    const { path, hash, role, facts, labels } = data;
    const name = path.startsWith('sandbox:') ? path : basename(path);
    return this.node(`data ${path} ${hash}`, { kind: 'data', name, role, path, hash }, async () => {
      const made = path.startsWith('sandbox:') ? null : await this.makerOf(path, dataOf);
      const children = [
        ...(made ? [await this.stage(made)] : []),
        ...(labels ? [await this.labels(labels, 'labels')] : []),
      ];
      return { facts, children };
    });
  }

  private labels(labels: LedgerSelection, role: string): Promise<ProvenanceNode> {
    const { url, digest, summary } = labels;
    const name = basename(url.replace(/[?#].*$/, ''));
    const head = { kind: 'labels', name, role, path: url, hash: digest.hash, labels } as const;
    const kinds = Object.entries(summary.kinds).map(([kind, events]) => `${amount(events)} × ${kind}`);
    return this.node(`labels ${url} ${digest.hash}`, head, async () => ({
      facts: [kinds.join(', '), `ledger of ${counted(digest.head.count, 'event')}`],
      children: [
        ...summary.judges.map(({ kind, judges, events }) =>
          this.leaf('judges', `${amount(judges)} ${kind}`, [counted(events, 'event')]),
        ),
        ...summary.constitutions.map(({ hash, version, events }) => ({
          ...this.leaf('constitution', version ? `version ${version}` : 'without version', [
            counted(events, 'event'),
          ]),
          hash,
        })),
        ...summary.principles.map(({ id, constitution, events }) =>
          this.leaf('principle', id, [
            counted(events, 'event'),
            ...(constitution ? [`of ${shortHash(constitution)}`] : []),
          ]),
        ),
      ],
    }));
  }

  private recipe({ path, manifest }: Run): ProvenanceNode {
    const file = join(path, 'recipe.yaml');
    return { ...this.leaf('recipe', basename(file), []), path: file, hash: manifest.recipeHash };
  }

  private leaf(kind: ProvenanceNode['kind'], name: string, facts: readonly string[]): ProvenanceNode {
    return { id: this.nextId(), kind, name, facts, children: [] };
  }

  /**
   * A node, or a reference to it where it stands in the tree already.
   * @param key  what makes it the same node
   * @param rest read only for the first one, with its id
   */
  private async node(
    key: string,
    head: Omit<ProvenanceNode, 'id' | 'facts' | 'children'>,
    rest: (id: string) => Promise<Partial<ProvenanceNode>>,
  ): Promise<ProvenanceNode> {
    const known = this.ids.get(key);
    if (known !== undefined) return { ...this.leaf('reference', known, []), role: head.role };
    const id = this.nextId();
    this.ids.set(key, id);
    return { id, facts: [], children: [], ...head, ...(await rest(id)) };
  }

  /** Ids say nothing, because records travel. */
  private nextId(): string {
    return `n${++this.count}`;
  }

  /** The stage of a run that made a file or folder; null where no run did. */
  private async makerOf(
    path: string,
    placesOf: (result: StageResult) => readonly (string | undefined)[],
  ): Promise<{ run: Run; stage: StageRecord } | null> {
    const real = await realpath(path).catch(() => path);
    for (let folder = dirname(real); folder !== dirname(folder); folder = dirname(folder)) {
      if (!(await exists(join(folder, 'manifest.json')))) continue;
      const manifest = this.runs.get(folder) ?? (await readManifest(folder).catch(() => null));
      if (!manifest) continue; // some other program's manifest
      this.runs.set(folder, manifest);
      const stage = manifest.stages.find(({ results }) =>
        placesOf((results ?? {}) as StageResult).some(
          (place) => place !== undefined && resolve(folder, place) === real,
        ),
      );
      return stage ? { run: { path: folder, manifest }, stage } : null;
    }
    return null;
  }
}

/** The data files that a stage made: a critique stage may make pairs beside its demonstrations. */
function dataOf({ data, preferences }: StageResult): (string | undefined)[] {
  return [data, preferences ?? undefined];
}

/** What all stages of a run have in common. */
function factsOf({ name, seeds, attempts }: Manifest): string[] {
  return [
    `run ${name}`,
    ...Object.entries(seeds).map(
      ([purpose, seed]) => `${purpose === 'run' ? '' : `${purpose} `}seed ${seed}`,
    ),
    ...[...new Set(attempts.map(({ versions }) => `Tenet ${versions.tenet}`))],
  ];
}

/** A part of another record under ids of its own. */
function within(node: ProvenanceNode, prefix: string): ProvenanceNode {
  return {
    ...node,
    id: `${prefix}/${node.id}`,
    ...(node.kind === 'reference' && { name: `${prefix}/${node.name}` }),
    children: node.children.map((child) => within(child, prefix)),
  };
}

function counted(count: number, what: string): string {
  return `${amount(count)} ${what}${count === 1 ? '' : 's'}`;
}

function amount(count: number): string {
  return count.toLocaleString('en-US');
}
