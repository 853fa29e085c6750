/** Where the Hub is, where its files are kept, and how patient to be; by the variables that Python's huggingface_hub reads. */
import { homedir } from 'node:os';
import { join } from 'node:path';
import { TenetError } from '../base/index.ts';

export interface HubOptions {
  /** Address of the Hub. Default: HF_ENDPOINT, else https://huggingface.co. */
  readonly endpoint?: string;
  /** Folder of downloaded files, shared with huggingface_hub. Default: HF_HUB_CACHE, else HF_HOME/hub, else ~/.cache/huggingface/hub. */
  readonly cacheFolder?: string;
  /** For private and gated repositories. Default: HF_TOKEN. Sent to the endpoint alone, and never printed. */
  readonly token?: string;
  /** True: only what the cache holds. Default: HF_HUB_OFFLINE. */
  readonly offline?: boolean;
  /** Failed attempts in a row after which a download gives up. Default 5. */
  readonly attempts?: number;
  /** Wait after the first failure in milliseconds; doubles each time, and the Hub's Retry-After counts more. Default 1000. */
  readonly retryDelay?: number;
  /** A download that brings nothing for so many milliseconds has failed. Default 60,000. */
  readonly stallTimeout?: number;
  /** Stops downloads; what came stays for the next time. */
  readonly signal?: AbortSignal;
  /** Told of each file that is fetched, of its bytes as they come. */
  readonly onProgress?: (file: {
    readonly path: string;
    readonly done: number;
    readonly size: number;
  }) => void;
}

export interface HubSettings extends Required<Omit<HubOptions, 'token' | 'signal' | 'onProgress'>> {
  readonly token: string | undefined;
  readonly signal: AbortSignal | undefined;
  readonly onProgress: NonNullable<HubOptions['onProgress']>;
}

/** @throws TenetError('usage') for an endpoint that is no web address */
export function hubSettings(options: HubOptions = {}, env: NodeJS.ProcessEnv = process.env): HubSettings {
  const endpoint = (options.endpoint ?? (env.HF_ENDPOINT || 'https://huggingface.co')).replace(/\/+$/, '');
  if (!/^https?:\/\//.test(endpoint) || !URL.canParse(endpoint)) {
    throw new TenetError(
      'usage',
      `HF_ENDPOINT is "${endpoint}"; it must be a web address such as https://huggingface.co.`,
    );
  }
  const home = env.HF_HOME || join(env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'huggingface');
  return {
    endpoint,
    cacheFolder: options.cacheFolder ?? (env.HF_HUB_CACHE || env.HUGGINGFACE_HUB_CACHE || join(home, 'hub')),
    token: options.token ?? (env.HF_TOKEN?.trim() || undefined),
    offline: options.offline ?? /^(1|true|yes|on)$/i.test(env.HF_HUB_OFFLINE ?? ''),
    attempts: options.attempts ?? 5,
    retryDelay: options.retryDelay ?? 1000,
    stallTimeout: options.stallTimeout ?? 60_000,
    signal: options.signal,
    onProgress: options.onProgress ?? (() => {}),
  };
}
