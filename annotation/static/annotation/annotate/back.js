// @ts-check
// The way back: to the answers and skips that were given before, and to marks that were not chosen.
import { Refused, SignedOut, Unreachable, call } from "../shared/api.js";
import { ago, marks } from "../shared/ask.js";
import { go } from "../shared/leaving.js";
import { hideNotice, notice, signedOut } from "../shared/messages.js";
import { root } from "../shared/site.js";
import { swap } from "./versions.js";
import { gettext } from "../shared/words.js";

/** @typedef {import("./desk.js").AnnotateDesk} AnnotateDesk */

const MAY_GO = ["ready", "empty", "stopped"]; // states of the page in which nothing is under way

export class Back {
  #opening = false;

  /**
   * `reopen` puts a task on the desk instead of what is there, `next` the next of the queue.
   * @param {{ desk: AnnotateDesk, answers: { unsent: boolean, here: string }, reopen: (given: Given) => Promise<void>, next: () => Promise<void> }} about
   */
  constructor({ desk, answers, reopen, next }) {
    this.desk = desk;
    this.answers = answers;
    this.reopen = reopen;
    this.next = next;
  }

  /**
   * Open what was given before what is on the desk, or `wanted`, to change it: an answer, or a skip, which is taken back by it.
   * @param {Entry | null} wanted
   */
  async open(wanted = null) {
    const { desk, answers } = this;
    const { state } = desk.look;
    if (this.#opening || (!wanted && !MAY_GO.includes(state))) return;
    if (answers.unsent) return notice("warning", gettext("Your last answer has not reached the server yet. It can be changed when it has."));
    this.#opening = true;
    try {
      desk.draft?.flush();
      const entry = wanted ?? (await this.#before(desk.task?.answer ? desk.task.id : null));
      if (!entry) return notice("warning", gettext("There is no earlier answer of yours."));
      const given = await this.#fetch(entry);
      hideNotice();
      await (given ? this.reopen(given) : this.next());
    } catch (error) {
      if (desk.look.state === "loading") await this.next();
      this.tell(error);
    } finally {
      this.#opening = false;
    }
  }

  /** What was given before `task`, or last of all; undefined: nothing. @param {number | null} task  @returns {Promise<Entry | undefined>} */
  async #before(task) {
    /** @type {Entry[]} */
    const given = await call("GET", `${this.answers.here}/history/`);
    return given[given.findIndex((one) => one.task === task) + 1];
  }

  /** The task with its answer; null where it was a skip: taken back, it is the next task. @param {Entry} entry  @returns {Promise<Given | null>} */
  async #fetch({ task, what }) {
    if (what === "skipped") return call("DELETE", `${root}api/tasks/${task}/skip/`);
    return call("GET", `${root}api/tasks/${task}/submission/`);
  }

  /**
   * Say that there are other marks of the clip on the desk, or that it is an answer that one changes.
   * @param {Given} given
   * @param {import("./drafts.js").DraftKeeper} draft
   */
  tellOfOthers(given, draft) {
    const { desk } = this;
    const { keep } = desk;
    const { id } = given.task;
    const other = keep.other(id);
    const use = () => {
      const result = desk.editor?.result() ?? [];
      swap(keep, id, result, draft.about);
      return this.reopen({ ...given, draft: draft.base === null ? null : result, draft_saved_at: draft.base });
    };
    if (other) return notice("warning", gettext("The other marks of this clip (%(marks)s) are kept.", { marks: marks(other.length) }), [gettext("Use the others instead"), use]);
    if (!given.answer) return;
    const said = gettext("This is the answer that you gave %(ago)s. It stays as it is until you submit.", { ago: ago(given.answer.age) });
    notice("success", said, [gettext("Leave it as it is"), () => this.next()]);
  }

  /** Say what the server said instead of doing what it was asked; nothing is lost by it. @param {unknown} error */
  tell(error) {
    const { keep } = this.desk;
    if (error instanceof SignedOut) return signedOut(keep);
    if (error instanceof Refused && error.body.go) return go(error.body.go, keep.wouldLose);
    if (!(error instanceof Refused || error instanceof Unreachable)) throw error;
    notice("warning", error.message);
  }
}

/** What was heard of a task so far, stem by stem: in this browser, and when its answer was given. @param {{ heard: (task: number) => Record<string, Stretch[]> }} keep  @param {Given} given */
export function heardBefore(keep, given) {
  const known = keep.heard(given.task.id);
  const played = Object.entries(given.answer?.played ?? {});
  return { ...known, ...Object.fromEntries(played.map(([stem, stretches]) => [stem, [...(known[stem] ?? []), ...stretches]])) };
}
