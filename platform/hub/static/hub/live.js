// @ts-check
// Live pages. One WebSocket says only which thing changed; pages fetch what they show.
//
// An element with data-live="round task" gets a "live" event when a round or a task of one's campaigns changed; with hx-get="…"
// hx-trigger="live" it then re-fetches itself. With data-poll it gets one now and then besides, whatever changed. What nobody looks at
// waits until somebody does, and however much changes, nothing is asked for more often than every two seconds. Scripts can listen on
// document for "unbleed:<type>" and "unbleed:any". A lost message costs nothing: after a reconnection everything is asked for anew.
(() => {
  const SOON = 200; // ms in which many messages about one thing are one refresh
  const REST = 2000; // ms from one refresh of an element to its next
  const POLL = 10_000; // ms between polls without a WebSocket
  const SELDOM = 6; // with one, every so many of them

  const path = document.body?.dataset.liveEvents;
  if (!path || !("WebSocket" in window)) return;
  const url = location.origin.replace(/^http/, "ws") + path;
  const state = document.getElementById("live-state");
  /** @type {Map<Element, number>} */
  const waiting = new Map();
  let tries = 0;
  /** @type {WebSocket | null} */
  let socket = null;
  let resting = false;
  let polls = 0;

  /** @param {boolean} live */
  function show(live) {
    if (!state) return;
    state.classList.toggle("on", live);
    state.title = (live ? state.dataset.on : state.dataset.off) ?? "";
  }

  /** When each was told last; those that replace themselves go by their ids. @type {Map<Element | string, number>} */
  const told = new Map();
  const inSight = new IntersectionObserver((entries) => {
    for (const { target, isIntersecting } of entries) if (isIntersecting) ask(target);
  }, { rootMargin: "100px" });

  /** @param {Element} element */
  function ask(element) {
    inSight.unobserve(element);
    if (!element.isConnected) return;
    told.set(element.id || element, Date.now());
    element.dispatchEvent(new CustomEvent("live"));
  }

  /** Let an element ask as soon as it may, and is in sight. @param {Element} element */
  function refresh(element) {
    if (waiting.has(element)) return;
    const rested = Date.now() - (told.get(element.id || element) ?? 0);
    waiting.set(element, setTimeout(() => {
      waiting.delete(element);
      if (element.getClientRects().length) inSight.observe(element); // which tells at once where it is in sight
      else ask(element); // it has no box that could be
    }, Math.max(SOON, REST - rested)));
  }

  /** What changed, or null: nobody knows. @param {{ type: string } | null} message */
  function tell(message) {
    /** @type {NodeListOf<HTMLElement>} */
    const elements = document.querySelectorAll("[data-live]");
    for (const element of elements) {
      if (message === null || element.dataset.live?.split(/\s+/).includes(message.type)) refresh(element);
    }
    if (message) document.dispatchEvent(new CustomEvent(`unbleed:${message.type}`, { detail: message }));
    document.dispatchEvent(new CustomEvent("unbleed:any", { detail: message }));
  }

  function connect() {
    socket = new WebSocket(url);
    socket.onopen = () => {
      show(true);
      polls = 0;
      if (tries > 0) tell(null);
      tries = 0;
    };
    socket.onmessage = ({ data }) => {
      let message;
      try {
        message = JSON.parse(data);
      } catch {
        return;
      }
      tell(message.type === "lost" ? null : message);
    };
    socket.onclose = ({ code }) => {
      show(false);
      if (code >= 4000) { // sent away: signed out, no campaign to hear of, or too many pages, of which this is the oldest
        resting = true;
        return;
      }
      // 1, 2, 4 … 30 s, spread by chance so that a restarted server is not met by everybody at once.
      const pause = Math.min(30, 2 ** tries) * (0.75 + Math.random() / 2);
      tries += 1;
      setTimeout(connect, pause * 1000);
    };
  }

  function again() {
    resting = false;
    tries = 1; // what happened meanwhile is asked for
    connect();
  }

  function poll() {
    polls += 1;
    if (socket?.readyState === WebSocket.OPEN && polls % SELDOM) return;
    for (const element of document.querySelectorAll("[data-live][data-poll]")) refresh(element);
  }

  setInterval(poll, POLL);
  // What could not be fetched is asked for again, and not only with the next change.
  document.addEventListener("htmx:afterRequest", (event) => {
    const { detail, target } = /** @type {CustomEvent & { target: HTMLElement }} */ (event);
    if (!detail.successful && target.dataset?.live) setTimeout(() => refresh(target), POLL);
  });

  /** What somebody unfolded stays so when it is shown anew. @type {string[]} */
  let unfolded = [];
  document.addEventListener("htmx:beforeSwap", (event) => {
    const { target } = /** @type {CustomEvent} */ (event).detail;
    unfolded = [...target.querySelectorAll("details[id][open]")].map((one) => one.id);
  });
  document.addEventListener("htmx:afterSwap", () => {
    for (const id of unfolded) document.getElementById(id)?.setAttribute("open", "");
  });

  // Whoever looks at this page again may hear again.
  document.addEventListener("visibilitychange", () => {
    if (resting && document.visibilityState === "visible") again();
  });
  window.addEventListener("pagehide", () => {
    if (socket) socket.onclose = null;
    socket?.close();
  });
  window.addEventListener("pageshow", (event) => {
    if (event.persisted) again();
  });
  connect();
})();
