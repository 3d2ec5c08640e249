// @ts-check
// Unfinished work: kept in this browser at once, on the server within two seconds, and once more when the page is left.
import { Refused, SignedOut, call } from "../shared/api.js";
import { saved, signedOut } from "../shared/messages.js";
import { root } from "../shared/site.js";
import { tellOfRefusal } from "./refusals.js";
import { shapeOf } from "./versions.js";
import { gettext } from "../shared/words.js";

const DRAFT_AFTER = 1000; // ms of quiet before a draft is sent
const DRAFT_AT_LATEST = 1800; // ms after the first unsaved change

export class DraftKeeper {
  /** @type {number | null} ms, since when the server knows less than we do */
  #changed = null;
  #touched = 0; // ms, when the last change was
  #saving = false;
  #failures = 0;
  #ended = false;

  /**
   * `shape` gives what matters of the work as text, `result` the work itself; `unsent` says that the server has an older one, `base`
   * names the draft that it has (null: none), `sent` are shapes of what went there and was not confirmed, `revises` is the revision of
   * the answer that is being changed (0: none). `elsewhere` is called when another place has changed that meanwhile.
   * @param {import("../shared/keep.js").Keep} keep
   * @param {number} task
   * @param {{ shape: () => string, result: () => Result, unsent: boolean, base: string | null, sent: string[], revises: number,
   *   elsewhere: (draft: OtherDraft) => unknown }} about
   */
  constructor(keep, task, { shape, result, unsent, base, sent, revises, elsewhere }) {
    this.keep = keep;
    this.task = task;
    this.shape = shape;
    this.result = result;
    this.base = base;
    this.sent = sent;
    this.revises = revises;
    this.elsewhere = elsewhere;
    this.url = `${root}api/tasks/${task}/draft/`;
    this.text = shape();
    /** @type {string | null} */
    this.savedText = unsent ? null : this.text;
    if (unsent) this.#changed = this.#touched = performance.now();
  }

  /** What names the server's side, for whoever keeps or opens these marks. */
  get about() {
    return { base: this.base, sent: this.sent, revises: this.revises };
  }

  /** Whether there is work that could not be brought to the server. */
  get isStuck() {
    return this.savedText !== this.text && (this.#failures > 0 || !navigator.onLine);
  }

  /** Notice a change. Called often. */
  watch() {
    const now = performance.now();
    const text = this.shape();
    if (text !== this.text) {
      this.text = text;
      this.#touched = now;
      this.#changed ??= now;
      this.keep.keepDraft(this.task, this.result(), false, this.about);
    }
    if (this.#changed === null || this.#saving) return;
    if (now - this.#touched >= DRAFT_AFTER || now - this.#changed >= DRAFT_AT_LATEST) void this.#save();
  }

  /** The last chance before the page goes away. */
  flush() {
    this.text = this.shape();
    if (this.text === this.savedText) return;
    this.#send({ keepalive: true }).catch(() => (this.#changed ??= performance.now())); // if the page stays after all
  }

  end() {
    this.#ended = true;
  }

  /** @param {{ keepalive?: boolean }} [options] */
  async #send(options) {
    const [text, result] = [this.text, this.result()];
    this.sent.push(shapeOf(result));
    this.keep.keepDraft(this.task, result, false, this.about);
    const { saved_at: at } = await call("PUT", this.url, { result, based_on: this.base, revises: this.revises }, options);
    this.base = at ?? null;
    this.savedText = text;
    this.sent = this.sent.filter((one) => one !== shapeOf(result));
    this.#confirmed(text, result);
    return at;
  }

  /** The server has this; whatever came after it is unsent. @param {string} text  @param {Result} result */
  #confirmed(text, result) {
    const kept = this.#ended && this.keep.draft(this.task); // null: it was answered
    if (!this.#ended) this.keep.keepDraft(this.task, this.text === text ? result : this.result(), this.text === text, this.about);
    else if (kept && shapeOf(kept.result) === shapeOf(result)) this.keep.keepDraft(this.task, result, true, this.about);
  }

  async #save() {
    this.#saving = true;
    this.#changed = null;
    try {
      const at = await this.#send();
      this.#failures = 0;
      if (!this.#ended) saved(gettext("Saved %(time)s", { time: new Date(at ?? Date.now()).toLocaleTimeString("en-GB") }));
    } catch (error) {
      if (!this.#ended) this.#failed(error);
    } finally {
      this.#saving = false;
    }
  }

  /** @param {unknown} error */
  #failed(error) {
    if (error instanceof Refused && error.body.error === "DraftChanged" && error.body.draft) return this.#meet(error.body.draft);
    this.#failures += 1;
    if (error instanceof Refused) return tellOfRefusal(error, this.keep) === "answered" || saved(`${gettext("Not saved:")} ${error.message}`, true);
    if (error instanceof SignedOut) signedOut(this.keep);
    const why = String(error instanceof Error ? error.message : error).replace(/\.$/, "").toLowerCase();
    const kept = this.keep.keepDraft(this.task, this.result(), false, this.about);
    saved(kept ? gettext("Kept in this browser (%(why)s)", { why }) : gettext("Not saved (%(why)s), and this browser keeps nothing: do not close this page", { why }), true);
    const again = () => (this.#changed ??= performance.now());
    setTimeout(again, Math.min(30, 2 ** this.#failures) * 1000);
    window.addEventListener("online", again, { once: true });
  }

  /** The server has another draft than the one that we go on from: one of ours whose confirmation was lost, or somebody else's. @param {OtherDraft} theirs */
  #meet(theirs) {
    if (!this.sent.includes(shapeOf(theirs.result))) return this.elsewhere(theirs);
    this.base = theirs.saved_at;
    this.#changed ??= performance.now();
  }
}
