// @ts-check
// Practice on the annotate page: clips whose truth is told after each answer. Nothing of it is kept but by the server.
import { Unreachable, call } from "../shared/api.js";
import { $ } from "../shared/elements.js";
import { waitAfter } from "../shared/messages.js";
import { root } from "../shared/site.js";

/** What `Answers` does for the queue's tasks, for practice clips. */
export class PracticeAnswers {
  unsent = false;

  /** What the page says: `preview`, the address that "practice/…" lies below where nothing is kept. @param {DOMStringMap} page */
  constructor({ preview, campaign }) {
    this.here = preview ?? `${root}api/campaigns/${campaign}`;
  }

  /** @returns {Promise<Given>} */
  next() {
    return this.#call("POST", "next/");
  }

  /** @param {number} task  its number, below zero  @param {AnswerBody} body  @returns {Promise<AnswerKept>} */
  async deliver(task, { result }) {
    const outcome = await this.#call("PUT", `${-task}/`, { result });
    return { status: "told", outcome };
  }

  async prefetch() {
    return [];
  }

  async deliverKept() {
    return [];
  }

  async skip() {
    return false;
  }

  /** @param {string} method  @param {string} path  @param {object} [body]  @returns {Promise<any>} */
  async #call(method, path, body) {
    for (let tries = 0; ; tries += 1) {
      try {
        return await call(method, `${this.here}/practice/${path}`, body);
      } catch (error) {
        if (!(error instanceof Unreachable)) throw error;
        await waitAfter(tries, error.message);
      }
    }
  }
}

/** What an answer to a practice clip was worth; `play` plays a stretch of the clip, `next` brings the next one, `progress` says how far one is. */
export class Outcome {
  /** @param {{ play: (start: number, end: number) => void, next: () => unknown, progress: (known: Given["progress"]) => void }} act */
  constructor({ play, next, progress }) {
    this.progress = progress;
    $("outcome").addEventListener("click", ({ target }) => {
      const pressed = target instanceof Element && target.closest("button");
      if (!(pressed instanceof HTMLButtonElement)) return;
      if (pressed.id === "outcome-next") next();
      else play(Number(pressed.dataset.from), Number(pressed.dataset.to));
    });
  }

  /** @param {{ html: string, progress?: Given["progress"] }} told */
  show({ html, progress }) {
    if (progress) this.progress(progress);
    $("outcome").innerHTML = html;
    $("outcome").hidden = false;
    $("outcome").scrollIntoView({ block: "nearest" });
    /** @type {HTMLElement | null} */ ($("outcome").querySelector("#outcome-next"))?.focus();
  }

  hide() {
    $("outcome").hidden = true;
    $("outcome").replaceChildren();
  }
}
