// Opens the page without a network: this build's files come from a cache of their own.
//
// - What belongs to the build is answered from the cache; navigations get the cached page.
// - Everything else (sync, API, files of people) goes to the network and is never kept here.
// - A newer build is fetched whole beside the old one and waits until a person says so. The old build's cache
//   stays until the new worker has taken over, so no open page ever mixes files of two builds.
//
// The build fills in the next two lines.
const BUILD_ID = "unbuilt";
const PRECACHE = [];

const PREFIX = "sheaf-shell-";
const CACHE = PREFIX + BUILD_ID;
const SHELL = "/";
const NOT_THE_PAGE = /^\/(api|sync|collab|files|metrics|healthz|readyz)(\/|$)/;

self.addEventListener("install", (event) => {
  event.waitUntil(fetchBuild());
});

async function fetchBuild() {
  const cache = await caches.open(CACHE);
  // "reload" passes by the browser's own cache, so that no old file gets into a new build.
  await cache.addAll(PRECACHE.map((path) => new Request(path, { cache: "reload" })));
}

self.addEventListener("activate", (event) => {
  event.waitUntil(forgetOldBuilds());
});

async function forgetOldBuilds() {
  const names = await caches.keys();
  const old = names.filter((name) => name.startsWith(PREFIX) && name !== CACHE);
  await Promise.all(old.map((name) => caches.delete(name)));
  await self.clients.claim();
}

self.addEventListener("message", (event) => {
  if (event.data === "take-over") self.skipWaiting();
});

self.addEventListener("fetch", (event) => {
  const { request } = event;
  const url = new URL(request.url);
  if (request.method !== "GET" || url.origin !== self.location.origin) return;
  if (NOT_THE_PAGE.test(url.pathname) || PRECACHE.length === 0) return;
  if (request.mode === "navigate") {
    event.respondWith(fromBuild(SHELL, request));
  } else if (PRECACHE.includes(url.pathname)) {
    event.respondWith(fromBuild(url.pathname, request));
  }
});

async function fromBuild(path, request) {
  const cache = await caches.open(CACHE);
  const kept = await cache.match(path);
  return kept ?? fetch(request);
}
