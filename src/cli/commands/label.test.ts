import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { sql } from 'kysely';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ledgerInput, openRunFolder } from '../../run/index.ts';
import { openStore, selectFromLedger } from '../../store/index.ts';
import { catchOutput } from '../testing/catch-output.ts';
import { labelCommand } from './label.ts';
import { traceCommand } from './trace.ts';

let folder: string;
let url: string;
const caught = catchOutput();
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tenet-label-'));
  url = join(folder, 'labels.db');
  const store = await openStore(url);
  const skip = { kind: 'skip', judge: { kind: 'human', id: 'ann' } } as const;
  await store.ledger.append(['a', 'b', 'c', 'd'].map((id) => ({ ...skip, id })));
  await store.close();
});
afterEach(async () => {
  await rm(folder, { recursive: true });
});

const verify = (...words: string[]) =>
  labelCommand()
    .option('--json')
    .parseAsync(['verify', '--store', url, ...words], { from: 'user' });

/** Changes the database as somebody could who owns it. */
async function tamper(...statements: string[]): Promise<void> {
  const store = await openStore(url);
  for (const statement of statements) await sql.raw(statement).execute(store.database.db);
  await store.close();
}

describe('tenet label verify', () => {
  it('prints the head of a chain that is intact, and takes it back', async () => {
    await verify();
    expect(caught.printed).toContain('4 events, the chain is intact.');
    const head = /4:sha256:[0-9a-f]{64}/.exec(caught.printed)![0];
    caught.printed = '';
    await verify('--head', head, '--json');
    expect(JSON.parse(caught.printed)).toMatchObject({ type: 'label-verify', ok: true, head: { count: 4 } });
    expect(caught.warned).toBe('');
  });

  it('names the first event that was changed', async () => {
    await tamper(
      'drop trigger ledger_event_no_update',
      `update ledger_event set content = replace(content, 'ann', 'eve'), judge_id = 'eve' where seq = 3`,
    );
    await expect(verify()).rejects.toThrow(
      expect.objectContaining({
        code: 'store',
        message: expect.stringMatching(
          /broken at event 3 \(c\): its content.* The 2 events before it are intact/,
        ),
      }),
    );
  });

  it('warns where changes are no longer refused', async () => {
    await tamper('drop trigger ledger_event_no_delete');
    await verify();
    expect(caught.warned).toContain('no longer refuses changes: ledger_event_no_delete is missing');
  });

  it('finds with the help of a run what was cut off', async () => {
    const run = await openRunFolder({ path: join(folder, 'run'), recipe: '', stages: ['dpo'] });
    const store = await openStore(url);
    await run.recordInputs([ledgerInput('labels', await selectFromLedger(store))]);
    await store.close();
    run.close();
    await verify('--run', run.path);
    expect(caught.printed).toContain('and contains the head noted earlier');
    await tamper('drop trigger ledger_event_no_delete', 'delete from ledger_event where seq = 4');
    await verify();
    await expect(verify('--run', run.path)).rejects.toThrow('it is missing: the ledger ends with event 3');
    const other = await openRunFolder({ path: join(folder, 'other'), recipe: '', stages: ['sft'] });
    other.close();
    await expect(verify('--run', other.path)).rejects.toThrow('learned from no labels');
  });

  it('holds no run against a ledger that is not the one it learned from', async () => {
    const run = await openRunFolder({ path: join(folder, 'run'), recipe: '', stages: ['rankings'] });
    const own = await openStore(join(run.path, 'ledger.db'));
    const skip = { kind: 'skip', judge: { kind: 'human', id: 'ann' } } as const;
    await own.ledger.append(['a', 'b', 'c', 'd', 'e'].map((id) => ({ ...skip, id })));
    await run.recordInputs([ledgerInput('labels', await selectFromLedger(own))]);
    await own.close();
    run.close();
    await expect(verify('--run', run.path)).rejects.toThrow(
      `run ${run.path} learned from the labels in its own ledger; check that: --store ${own.url}`,
    );
    url = own.url;
    await verify('--run', run.path);
    expect(caught.printed).toContain('5 events, the chain is intact, and contains the head noted earlier');
  });

  it('creates nothing where there is no ledger', async () => {
    url = join(folder, 'nowhere.db');
    await expect(verify()).rejects.toThrow('the file does not exist');
  });
});

describe('tenet label copy', () => {
  it('copies a store that passes the same checks', async () => {
    await verify();
    const head = /4:sha256:[0-9a-f]{64}/.exec(caught.printed)![0];
    const to = join(folder, 'copy.db');
    const copy = () => labelCommand().parseAsync(['copy', to, '--store', url], { from: 'user' });
    await copy();
    expect(caught.printed).toContain('copy.db: 4 ledger_event; the chain is intact');
    await expect(copy()).rejects.toThrow('is not empty');
    url = to;
    await verify('--head', head);
    await expect(labelCommand().parseAsync(['copy', to, '--store', to], { from: 'user' })).rejects.toThrow(
      'is the store itself',
    );
  });
});

describe('tenet trace', () => {
  it('exits with 1 where something has changed', async () => {
    const trace = (...words: string[]) => traceCommand().option('--json').parseAsync(words, { from: 'user' });
    const run = await openRunFolder({ path: join(folder, 'run'), recipe: '', stages: ['dpo'] });
    const store = await openStore(url);
    await run.beginStage('dpo');
    await run.recordInputs([ledgerInput('labels', await selectFromLedger(store))]);
    await run.finishStage('dpo', {
      model: { folder: 'stages/01-dpo/model', head: 'causal', weights: 'sha256:00' },
    });
    await store.close();
    run.close();
    await trace(run.path);
    expect(caught.printed).toContain('model run/dpo  00 ?');
    expect(caught.printed).toContain('1 is of what is not there any more');
    expect(process.exitCode).toBeUndefined();

    await tamper('drop trigger ledger_event_no_delete', 'delete from ledger_event where seq = 2');
    caught.printed = '';
    await trace(run.path, '--json');
    const { model } = JSON.parse(caught.printed) as {
      model: { children: { children: { check?: object }[] }[] };
    };
    expect(model.children[0].children[0].check).toMatchObject({ status: 'differs' });
    expect(process.exitCode).toBe(1);
    process.exitCode = undefined;
    await trace(run.path, '--no-check');
    expect(process.exitCode).toBeUndefined();
  });
});
