// @ts-check
// Live pages. One WebSocket says only which thing changed; pages fetch what they show.
//
// An element with data-live="round task" gets a "live" event when a round or a task of one's campaigns changed; with hx-get="…"
// hx-trigger="live, every 10s" it then re-fetches itself. Scripts can listen on document for "unbleed:<type>" and "unbleed:any".
// A lost message costs nothing: after a reconnection everything is asked for anew.
(() => {
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

  /** @param {boolean} live */
  function show(live) {
    if (!state) return;
    state.classList.toggle("on", live);
    state.title = (live ? state.dataset.on : state.dataset.off) ?? "";
  }

  /** Many messages about one thing within a moment are one refresh. @param {Element} element */
  function refresh(element) {
    if (waiting.has(element)) return;
    waiting.set(element, setTimeout(() => {
      waiting.delete(element);
      if (element.isConnected) element.dispatchEvent(new CustomEvent("live"));
    }, 200));
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
      tell(message);
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
