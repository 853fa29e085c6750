/** The command by which people label, ready to be copied. */

/**
 * @param url of the store, without a password, as `Store.url` gives it
 * @param adjudicate true: what labels disagree about is to be decided
 */
export function labelWorkCommand(url: string, project: string, adjudicate: boolean): string {
  const store = /^[\w@%+=:,./-]+$/.test(url) ? url : JSON.stringify(url); // a path may have spaces
  return `tenet label work --store ${store} --project ${JSON.stringify(project)}${adjudicate ? ' --adjudicate' : ''}`;
}
