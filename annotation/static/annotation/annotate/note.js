// @ts-check
// A note to the lab on the clip in hand. What cannot be sent yet is kept in this browser, with its clip.
import { Refused, SignedOut, call } from "../shared/api.js";
import { $ } from "../shared/elements.js";
import { notice } from "../shared/messages.js";
import { root } from "../shared/site.js";
import { gettext } from "../shared/words.js";
import { uuid } from "./answers.js";

/** What is written and not sent, by task; the key stays the same as long as the text does. @typedef {Record<string, { text: string, client_key: string }>} Unsent */

export class Note {
  /** @type {number | null} the task that is written about */
  #task = null;
  #sending = false;

  /** @param {import("../shared/keep.js").Keep<any>} keep  @param {() => number | null} task  the one in hand */
  constructor(keep, task) {
    this.keep = keep;
    this.task = task;
    $("note-open").addEventListener("click", () => this.open());
    $("note-close").addEventListener("click", () => $("note").close());
    $("note-form").addEventListener("submit", (event) => {
      event.preventDefault();
      void this.send();
    });
    $("note-text").addEventListener("input", () => this.#written());
    $("note-text").addEventListener("keydown", (event) => {
      if (event.key !== "Enter" || !(event.ctrlKey || event.metaKey)) return;
      event.preventDefault();
      void this.send();
    });
  }

  open() {
    this.#task = this.task();
    if (this.#task === null) return;
    $("note-text").value = this.#unsent()[this.#task]?.text ?? "";
    $("note-said").textContent = $("note-text").value ? gettext("You have not sent this yet.") : "";
    $("note").showModal();
  }

  async send() {
    const task = this.#task;
    const note = task === null ? undefined : this.#unsent()[task];
    if (task === null || !note?.text.trim() || this.#sending) return;
    this.#show(true, gettext("Sending …"));
    try {
      await call("POST", `${root}api/tasks/${task}/notes/`, note);
    } catch (error) {
      if (!(error instanceof Error)) throw error;
      const why = error instanceof SignedOut ? gettext("%(why)s Sign in again in another tab.", { why: error.message }) : error.message;
      return this.#show(false, error instanceof Refused ? gettext("It was refused: %(why)s", { why }) : gettext("It cannot be sent now: %(why)s Your text is kept in this browser, with this clip.", { why }));
    }
    this.#keep(task, "");
    this.#show(false, "");
    $("note").close();
    notice("success", gettext("Your note is sent. The reply will be on your own page."));
  }

  /** @param {boolean} sending  @param {string} said */
  #show(sending, said) {
    this.#sending = sending;
    $("note-send").disabled = $("note-text").readOnly = sending;
    $("note-said").textContent = said;
  }

  #written() {
    if (this.#task !== null) this.#keep(this.#task, $("note-text").value);
  }

  /** @returns {Unsent} */
  #unsent() {
    return this.keep.choice("notes") ?? {};
  }

  /** @param {number} task  @param {string} text  empty: nothing is left to send */
  #keep(task, text) {
    const { [task]: before, ...others } = this.#unsent();
    const key = before?.text === text ? before.client_key : uuid();
    this.keep.keepChoice("notes", text ? { ...others, [task]: { text, client_key: key } } : others);
  }
}
