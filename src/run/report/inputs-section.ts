/** What went in: models, data and constitution by content, seeds, versions, machine. */

import { type Html, html } from '../../base/index.ts';
import type { InputRecord, Manifest } from '../manifest.ts';
import { date, fileSize } from './format.ts';

export function inputsSection(manifest: Manifest): Html {
  const { inputs, seeds, attempts, recipeHash } = manifest;
  const { versions, machine } = attempts[attempts.length - 1];
  const facts: [string, string][] = [
    ...Object.entries(seeds).map(([name, seed]): [string, string] => [`Seed: ${name}`, String(seed)]),
    ['Tenet', versions.tenet],
    ['ONNX Runtime', versions.onnxruntime],
    ['Node', versions.node],
    ['Processor', `${machine.cpu}, ${machine.cores} cores`],
    ['Memory', fileSize(machine.memoryBytes)],
    ['Platform', `${machine.platform} ${machine.arch}`],
  ];
  return html`
    <section id="inputs" aria-labelledby="inputs-title">
      <h2 id="inputs-title">What went in</h2>
      ${inputs.length > 0 && inputsTable(inputs)}
      <dl class="facts">${facts.map(([name, value]) => html`<div><dt>${name}</dt><dd>${value}</dd></div>`)}</dl>
      <p class="quiet">Recipe <code class="hash">${recipeHash}</code>${
        attempts.length > 1 &&
        html`; resumed ${attempts
          .slice(1)
          .map((attempt) => date(attempt.startedAt))
          .join('; ')}`
      }.</p>
    </section>`;
}

function inputsTable(inputs: readonly InputRecord[]): Html {
  return html`
    <div class="scroll" role="region" tabindex="0" aria-label="Inputs">
      <table class="inputs">
        <caption>Models, data and documents, each identified by the SHA-256 of its content</caption>
        <thead><tr><th scope="col">input</th><th scope="col">size</th><th scope="col">content</th></tr></thead>
        <tbody>${inputs.map(
          (input) => html`<tr>
            <th scope="row"><span class="kind">${input.kind}</span> ${input.name}<span class="path">${input.source ?? input.path}</span></th>
            <td>${sizeOf(input).map((line) => html`<span class="line">${line}</span>`)}</td>
            <td><code class="hash">${input.hash.replace(/^sha256:/, '')}</code></td>
          </tr>`,
        )}</tbody>
      </table>
    </div>`;
}

function sizeOf({ rows, skippedRows, parameters, bytes, note }: InputRecord): string[] {
  const count = (n: number): string => n.toLocaleString('en-US');
  return [
    ...(rows === undefined ? [] : [`${count(rows)} rows`]),
    ...(skippedRows ? [`${count(skippedRows)} bad rows skipped`] : []),
    ...(parameters === undefined ? [] : [`${count(parameters)} parameters`]),
    ...(bytes === undefined ? [] : [fileSize(bytes)]),
    ...(note === undefined ? [] : [note]),
  ];
}
