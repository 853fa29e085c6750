/** Models and data sets of the Hugging Face Hub by name: fetched once, checked, pinned to a commit. */
export { cachedHubModel, fetchHubData, fetchHubModel, type HubFiles, hubNameOfPath } from './hub.ts';
export { formatHubName, type HubName, isHubName, parseHubName } from './hub-name.ts';
export { type HubOptions, type HubSettings, hubSettings } from './hub-settings.ts';
