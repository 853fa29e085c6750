/** The names of models on the command line and in recipes. */
import { existsSync } from 'node:fs';
import { nearest, TenetError } from '../base/index.ts';

export type ModelSpec =
  | { readonly kind: 'local'; readonly folder: string }
  | { readonly kind: 'openai'; readonly model: string }
  | { readonly kind: 'anthropic'; readonly model: string }
  | { readonly kind: 'openai-compatible'; readonly model: string; readonly baseUrl: string };

const forms: Readonly<Record<ModelSpec['kind'], string>> = {
  local: 'local:<folder>',
  openai: 'openai:<model>',
  anthropic: 'anthropic:<model>',
  'openai-compatible': 'openai-compatible:<model>@<base URL>',
};

/** One line per form, for help and errors. */
export const specForms: string = Object.values(forms).join(', ');

/**
 * Reads `local:<folder>`, `openai:<model>`, `anthropic:<model>` or `openai-compatible:<model>@<base URL>`.
 * @throws TenetError('usage') saying which form was meant
 */
export function parseModelSpec(spec: string): ModelSpec {
  const colon = spec.indexOf(':');
  const kind = colon < 0 ? '' : spec.slice(0, colon);
  const rest = spec.slice(colon + 1);
  if (!Object.hasOwn(forms, kind)) throw unknownKind(spec, kind);
  if (rest === '') throw wrong(spec, `nothing follows "${kind}:"; write ${forms[kind as ModelSpec['kind']]}`);
  switch (kind as ModelSpec['kind']) {
    case 'local':
      return { kind: 'local', folder: rest };
    case 'openai':
      return { kind: 'openai', model: rest };
    case 'anthropic':
      return { kind: 'anthropic', model: rest };
    case 'openai-compatible':
      return compatible(spec, rest);
  }
}

/** Model names may hold "@" themselves, as in `org/model@revision`; the address begins behind the last one. */
function compatible(spec: string, rest: string): ModelSpec {
  const at = rest.search(/@https?:\/\//);
  if (at <= 0) {
    throw wrong(
      spec,
      `it needs a model and an address: ${forms['openai-compatible']}, such as ` +
        'openai-compatible:my-model@http://127.0.0.1:8000/v1',
    );
  }
  const [model, baseUrl] = [rest.slice(0, at), rest.slice(at + 1)];
  if (!URL.canParse(baseUrl)) throw wrong(spec, `"${baseUrl}" is not an address`);
  const { username, password } = new URL(baseUrl);
  if (username || password) {
    throw wrong(
      spec.replace(`${username}:${password}@`, '…@'),
      'an address must not hold a password; put the key into TENET_API_KEY',
    );
  }
  return { kind: 'openai-compatible', model, baseUrl: baseUrl.replace(/\/+$/, '') };
}

function unknownKind(spec: string, kind: string): TenetError {
  if (existsSync(spec)) return wrong(spec, `for the model in this folder write local:${spec}`);
  if (/^https?$/.test(kind)) {
    return wrong(spec, `name the model too: openai-compatible:<model>@${spec}`);
  }
  const meant = nearest(kind, Object.keys(forms));
  return wrong(spec, `${meant ? `did you mean ${meant}:? ` : ''}The forms are ${specForms}`);
}

function wrong(spec: string, why: string): TenetError {
  return new TenetError('usage', `The model "${spec}" cannot be understood: ${why}.`);
}
