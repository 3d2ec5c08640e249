// As much of a page as the scripts need that draw nothing: import this first, then what is tested.
// Elements remember what is put into them; the clock of the page stands still unless a test moves it.
import { webcrypto } from "node:crypto";

class Element extends EventTarget {
  constructor(id) {
    super();
    Object.assign(this, { id, textContent: "", className: "", value: "", hidden: false, disabled: false, open: false, dataset: {}, children: [], returnValue: "" });
    this.classList = {
      contains: (name) => this.className.split(" ").includes(name),
      toggle: (name, on) => (this.className = [...this.className.split(" ").filter((one) => one && one !== name), ...(on ? [name] : [])].join(" ")),
    };
  }

  append(...children) {
    this.children.push(...children);
  }

  replaceChildren(...children) {
    this.children = children;
  }

  setAttribute(name, value) {
    this[name] = value;
  }

  showModal() {
    this.open = true;
    asked?.(this);
  }

  close(value) {
    this.open = false;
    if (value !== undefined) this.returnValue = value;
    this.dispatchEvent(new Event("close"));
  }

  click() {
    this.dispatchEvent(new Event("click"));
  }
}

class Document extends EventTarget {
  cookie = "csrftoken=of-this-page";
  hidden = false;
  body = new Element("body");
  #elements = new Map();

  getElementById(id) {
    if (!this.#elements.has(id)) this.#elements.set(id, new Element(id));
    return this.#elements.get(id);
  }

  createElement(name) {
    return new Element(name);
  }

  querySelector() {
    return new Element("found");
  }

  clear() {
    this.#elements.clear();
  }
}

class Storage {
  constructor() {
    Object.defineProperty(this, "full", { value: false, writable: true });
  }

  getItem(name) {
    return Object.hasOwn(this, name) ? this[name] : null;
  }

  setItem(name, value) {
    if (this.full) throw new DOMException("full", "QuotaExceededError");
    this[name] = String(value);
  }

  removeItem(name) {
    delete this[name];
  }
}

export const RULES = {
  ...{ from_name: "control", to_name: "sound", label: "Leak", words: { extracted: "extracted sound", the: "the sound", were: "was", rests: "nothing sounds" } },
  ...{ missing_label: "", tag_name: "what leaks", tags: [], proposes: false, shortest_mark: 0.02, enough_heard: 0.9, shortest_gap: 0.15, speeds: [0.5, 0.75, 1, 1.25, 1.5], darkest: "#000" },
  picture: { palette: ["#000000", "#ffffff"], floor: -90, top: -20, lowest: 60, highest: 12000 },
};

let asked = null; // what a test does with a dialog that opens
let milliseconds = 0;
let timers = []; // {at, act}

export const page = {
  /** Everything as it was when the page was loaded. */
  reset() {
    document.clear();
    document.hidden = false;
    document.body.dataset = { root: "/below/", csrfCookie: "csrftoken" };
    document.getElementById("rules").textContent = JSON.stringify(RULES);
    define("localStorage", new Storage());
    asked = null;
    milliseconds = 1000;
    timers = [];
  },
  /** `answer(dialog)` is called for every dialog that opens. */
  whenAsked(answer) {
    asked = answer;
  },
  /** Move the page's clock, milliseconds; what is due by then happens. */
  pass(ms) {
    milliseconds += ms;
    const due = timers.filter(({ at }) => at <= milliseconds).sort((a, b) => a.at - b.at);
    timers = timers.filter(({ at }) => at > milliseconds);
    for (const { act } of due) act();
  },
  get now() {
    return milliseconds;
  },
  said: (id) => document.getElementById(id).textContent,
  buttons: () => document.getElementById("notice-actions").children,
};

const define = (name, value) => Object.defineProperty(globalThis, name, { value, configurable: true, writable: true });
define("document", new Document());
define("window", new EventTarget());
define("navigator", { onLine: true });
define("location", { pathname: "/here/", assign: (url) => (location.gone = url) });
define("setTimeout", (act, ms) => {
  const timer = { at: milliseconds + ms, act };
  timers.push(timer);
  return timer;
});
define("clearTimeout", (timer) => (timers = timers.filter((one) => one !== timer)));
define("performance", { now: () => milliseconds, mark() {} });
if (!globalThis.crypto) define("crypto", webcrypto); // before Node 19
page.reset();

/** Answers of a server, in order: [status, body], or an Error for none. Returns the requests: [{method, url, body}]. */
export function server(...answers) {
  const requests = [];
  globalThis.fetch = async (url, { method, body }) => {
    requests.push({ method, url, body: body === undefined ? undefined : JSON.parse(body) });
    const answer = answers.length > 1 ? answers.shift() : answers[0];
    if (answer instanceof Error || answer === undefined) throw answer ?? new TypeError("nobody answers");
    const [status, said] = typeof answer === "function" ? answer(requests.at(-1)) : answer;
    return new Response(status === 204 ? null : JSON.stringify(said), { status, headers: { "Content-Type": "application/json" } });
  };
  return requests;
}

/** Let everything that waits for promises alone come to its end. */
export const settle = () => new Promise((resolve) => setImmediate(resolve));

/** A generator of numbers in [0, 1) that a seed repeats (mulberry32, Tommy Ettinger 2017, public domain). */
export function random(seed) {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
}

/** Scripts of the pages, by their place below static/annotation. */
export const scripts = (path) => import(`../../annotation/static/annotation/${path}`);
