/** Has the browser keep the app for when there is no connection; not while one works on the app. */
export function keepApp(): void {
  if (!import.meta.env.PROD || !('serviceWorker' in navigator)) return;
  addEventListener('load', () => {
    // Where the browser does not allow it, such as in a private window, everything else works all the same.
    navigator.serviceWorker.register('/service-worker.js').catch(() => undefined);
  });
}
