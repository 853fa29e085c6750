/** Lets a call that is under way finish when it is interrupted: the provider sends the bill for it in any case. */
import type { LanguageModel } from '../language-model.ts';
import { withLayer } from './layer.ts';
import { interrupted, onAbort } from './signals.ts';

/** The model, whose calls are given so many milliseconds to finish before an interruption reaches them. */
export function finishingModel(model: LanguageModel, graceMs: number): LanguageModel {
  return withLayer(model, async (_, ask, { signal, ...rest }) => {
    if (!signal) return ask(rest);
    if (signal.aborted) throw interrupted();
    const controller = new AbortController();
    let timer: NodeJS.Timeout | undefined;
    const forget = onAbort(signal, () => {
      timer = setTimeout(() => controller.abort(), graceMs);
    });
    try {
      return await ask({ ...rest, signal: controller.signal });
    } finally {
      forget();
      clearTimeout(timer);
    }
  });
}
