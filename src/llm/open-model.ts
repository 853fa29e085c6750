/** Opens a model by its name. */

import { TenetError } from '../base/index.ts';
import type { LanguageModel } from './language-model.ts';
import { localModel } from './local/local-model.ts';
import type { EngineOptions } from './local/protocol.ts';
import { parseModelSpec } from './model-spec.ts';

export interface OpenModelOptions {
  /** How a local model is loaded. */
  readonly engine?: EngineOptions;
}

export async function openModel(spec: string, options: OpenModelOptions = {}): Promise<LanguageModel> {
  const parsed = parseModelSpec(spec);
  if (parsed.kind === 'local') return localModel(parsed.folder, options.engine);
  throw new TenetError('usage', `not yet: ${spec}`);
}
