// Copies what tsc leaves behind (files read at run time) from src to dist, and makes the command executable.
import { chmodSync, cpSync, existsSync, readdirSync } from 'node:fs';
import { join, sep } from 'node:path';

// Every folder named `assets` holds files that are read at run time.
for (const path of readdirSync('src', { recursive: true })) {
  if (path.split(sep).at(-1) === 'assets') cpSync(join('src', path), join('dist', path), { recursive: true });
}

if (existsSync('dist/cli/main.js')) chmodSync('dist/cli/main.js', 0o755);
