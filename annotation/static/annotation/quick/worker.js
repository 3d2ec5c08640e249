// @ts-check
// The service worker of quick questions, and of nothing else: the page opens without a network, with the clips that were fetched ahead.
// The network always comes first; what it gave last is kept for when it is gone. Answers are kept by the page itself (shared/keep.js).
const worker = /** @type {any} */ (self); // the checker knows windows only
const NAME = "unbleed-quick-1";
const MOST_CLIPS = 6;
const SCOPE = new URL("./", worker.location.href).href;

/** The page itself, static files, and clips. @param {URL} url */
function isKept(url) {
  const ours = url.origin === worker.location.origin;
  return ours && (url.href.split("?")[0] === SCOPE || /\/static\//.test(url.pathname) || /\/media\/tasks\/\d+\/[a-z]+\.ogg$/.test(url.pathname));
}

/** @param {Request} request  @param {Response} response */
async function keep(request, response) {
  if (response.status !== 200 || response.redirected) return;
  const cache = await caches.open(NAME);
  await cache.put(request, response);
  const clips = (await cache.keys()).filter(({ url }) => url.endsWith(".ogg"));
  await Promise.all(clips.slice(0, -MOST_CLIPS).map((old) => cache.delete(old)));
}

/** @param {Request} request */
async function answer(request) {
  try {
    const response = await fetch(request);
    void keep(request, response.clone());
    return response;
  } catch (gone) {
    const kept = await caches.match(request, { ignoreVary: true });
    if (kept) return kept;
    throw gone;
  }
}

worker.addEventListener("install", () => worker.skipWaiting());
worker.addEventListener("activate", (/** @type {any} */ event) => {
  const others = caches.keys().then((names) => Promise.all(names.filter((one) => one.startsWith("unbleed-quick-") && one !== NAME).map((one) => caches.delete(one))));
  event.waitUntil(others.then(() => worker.clients.claim()));
});
worker.addEventListener("fetch", (/** @type {any} */ event) => {
  const { request } = event;
  if (request.method === "GET" && isKept(new URL(request.url))) event.respondWith(answer(request));
});
// What the page had loaded before there was a worker.
worker.addEventListener("message", (/** @type {any} */ event) => {
  const { urls = [] } = event.data;
  event.waitUntil(Promise.all(urls.filter((/** @type {string} */ url) => isKept(new URL(url))).map(async (/** @type {string} */ url) => {
    const request = new Request(url, { credentials: "same-origin" });
    try {
      await keep(request, await fetch(request));
    } catch {
      // Kept another time.
    }
  })));
});
