// Unfinished work: kept in this browser at once, on the server within two seconds, and once more when the page is left.
import { Refused, SignedOut, call } from "./api.js";
import { saved, signedOut } from "./messages.js";

const DRAFT_AFTER = 1000; // ms of quiet before a draft is sent
const DRAFT_AT_LATEST = 1800; // ms after the first unsaved change

export class DraftKeeper {
  #changed = null; // ms, since when the server knows less than we do
  #touched = null;
  #saving = false;
  #failures = 0;
  #ended = false;

  /** `shape()` gives what matters of the work as text, `result()` the work itself; `unsent` says that the server has an older one. */
  constructor(keep, task, { shape, result, unsent }) {
    Object.assign(this, { keep, task, shape, result });
    this.text = shape();
    this.savedText = unsent ? null : this.text;
    if (unsent) this.#changed = this.#touched = performance.now();
  }

  /** Notice a change. Called often. */
  watch() {
    const now = performance.now();
    const text = this.shape();
    if (text !== this.text) {
      this.text = text;
      this.#touched = now;
      this.#changed ??= now;
      this.keep.keepDraft(this.task, this.result(), false);
    }
    if (this.#changed === null || this.#saving) return;
    if (now - this.#touched >= DRAFT_AFTER || now - this.#changed >= DRAFT_AT_LATEST) this.#save();
  }

  /** The last chance before the page goes away. */
  flush() {
    const text = this.shape();
    if (text === this.savedText) return;
    const result = this.result();
    this.keep.keepDraft(this.task, result, false);
    const sent = call("PUT", `/api/tasks/${this.task}/draft/`, { result }, { keepalive: true });
    sent.then(
      () => (this.savedText = text),
      () => {},
    );
  }

  end() {
    this.#ended = true;
  }

  async #save() {
    const [text, result] = [this.text, this.result()];
    this.#saving = true;
    this.#changed = null;
    try {
      const { saved_at: at } = await call("PUT", `/api/tasks/${this.task}/draft/`, { result });
      this.savedText = text;
      this.#failures = 0;
      if (this.#ended) return;
      if (this.text === text) this.keep.keepDraft(this.task, result, true);
      saved(`Saved ${new Date(at ?? Date.now()).toLocaleTimeString("en-GB")}`);
    } catch (error) {
      if (!this.#ended) this.#failed(error);
    } finally {
      this.#saving = false;
    }
  }

  #failed(error) {
    if (error instanceof Refused) return saved(`Not saved: ${error.message}`, true);
    saved(`Kept in this browser (${error.message.replace(/\.$/, "").toLowerCase()})`, true);
    if (error instanceof SignedOut) signedOut();
    this.#failures += 1;
    const again = () => (this.#changed ??= performance.now());
    setTimeout(again, Math.min(30, 2 ** this.#failures) * 1000);
    window.addEventListener("online", again, { once: true });
  }
}
