// Copies what tsc leaves behind (files read at run time) from src to dist, and makes the command executable.
import { chmodSync, existsSync } from 'node:fs';

if (existsSync('dist/cli/main.js')) chmodSync('dist/cli/main.js', 0o755);
