/**
 * Keeps the app itself at hand for when the server cannot be reached: the page, and the files that it loads. Answers of the
 * API are not its business; what is needed of them without a connection, the app keeps by itself.
 *
 * A page comes from the network where there is one, so that a new version is used at once; files under /assets/ have their
 * hash in their name and never change.
 */
const shell = 'tenet-shell-1';
const page = '/';

self.addEventListener('install', (event) => {
  event.waitUntil(
    fetch(page)
      .then(keep)
      .then(() => self.skipWaiting()),
  );
});

self.addEventListener('activate', (event) => {
  event.waitUntil(self.clients.claim());
});

self.addEventListener('fetch', (event) => {
  const { request } = event;
  const { origin, pathname } = new URL(request.url);
  if (request.method !== 'GET' || origin !== self.location.origin || pathname.startsWith('/api/')) return;
  if (request.mode === 'navigate') event.respondWith(open(event));
  else if (pathname.startsWith('/assets/')) event.respondWith(load(request));
});

/** The page as it is now, else as it was. */
async function open(event) {
  const kept = await caches.match(page);
  let response;
  try {
    response = await fetch(event.request);
  } catch (error) {
    if (kept) return kept;
    throw error;
  }
  // A proxy whose server is gone answers too.
  if (response.status >= 500 && kept) return kept;
  if (response.ok) event.waitUntil(keep(response.clone()));
  return response;
}

async function load(request) {
  const kept = await caches.match(request);
  if (kept) return kept;
  const response = await fetch(request);
  if (response.ok) await (await caches.open(shell)).put(request, response.clone());
  return response;
}

/** Keeps a page with the files that it names, and forgets those of older versions. */
async function keep(response) {
  if (!response.ok) throw new Error(`The server answered ${response.status}.`);
  const cache = await caches.open(shell);
  const html = await response.clone().text();
  const files = [...html.matchAll(/(?:src|href)="(\/(?:assets\/)?[^"/]+)"/g)].map(([, path]) => path);
  await Promise.all(
    files.map(async (path) => {
      if (!(await cache.match(path))) await cache.add(path);
    }),
  );
  // Last, so that the page is never kept without its files.
  await cache.put(page, response);
  for (const { url } of await cache.keys()) {
    const { pathname } = new URL(url);
    if (pathname !== page && !files.includes(pathname)) await cache.delete(url);
  }
}
