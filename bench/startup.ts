/** How long the command line takes to print its help. */
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { type Benchmark, median, type Row, timeOf } from './benchmark.ts';

const run = promisify(execFile);
const command = fileURLToPath(new URL('../dist/cli/main.js', import.meta.url));

export const startup: Benchmark = {
  name: 'startup',
  title: 'Start-up',
  note: '`tenet --help` from the built package, in turn with a bare Node process.',
  cases: {
    async help({ quick }): Promise<Row[]> {
      if (!existsSync(command)) throw new Error('there is no dist/cli/main.js; run "npm run build" first');
      const help: number[] = [];
      const bare: number[] = [];
      for (let i = quick ? 2 : 15; i > 0; i--) {
        bare.push(await timeOf(() => run(process.execPath, ['--eval', '0'])));
        help.push(await timeOf(() => run(process.execPath, [command, '--help'])));
      }
      const [helpMs, bareMs] = [median(help), median(bare)];
      return [
        { what: 'tenet --help', ratio: helpMs / bareMs, of: 'bare Node', measured: { bareMs, helpMs } },
        {
          what: 'tenet --help',
          ratio: helpMs / 150,
          of: 'the 150 ms allowed',
          target: { below: 1 },
          measured: { best: Math.min(...help), median: helpMs },
        },
      ];
    },
  },
};
