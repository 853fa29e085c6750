/** The style and script that are written into every report. */
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';

export interface ReportAssets {
  readonly style: string;
  readonly script: string;
}

/** Reads uPlot from the installed package, with its licence, and our own style and script. */
export async function loadAssets(): Promise<ReportAssets> {
  const uplot = dirname(createRequire(import.meta.url).resolve('uplot/package.json'));
  const [licence, uplotScript, uplotStyle, style, values, script] = await Promise.all([
    readFile(join(uplot, 'LICENSE'), 'utf8'),
    readFile(join(uplot, 'dist/uPlot.iife.min.js'), 'utf8'),
    readFile(join(uplot, 'dist/uPlot.min.css'), 'utf8'),
    readFile(new URL('./assets/report.css', import.meta.url), 'utf8'),
    readFile(new URL('./assets/curve-values.js', import.meta.url), 'utf8'),
    readFile(new URL('./assets/report.js', import.meta.url), 'utf8'),
  ]);
  const plain = values.replaceAll(/^export /gm, '');
  return {
    style: `${uplotStyle}\n${style}`,
    // A script ends at the first "</script" wherever it stands, in strings and comments too.
    script: `/*!\nuPlot\n\n${licence}\n*/\n${uplotScript}\n${plain}\n${script}`.replaceAll(
      '</script',
      '<\\/script',
    ),
  };
}
