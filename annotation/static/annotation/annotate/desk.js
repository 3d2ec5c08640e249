// @ts-check
// What lies before an annotator: the desk that all have, and the task in hand.
import { Desk } from "../shared/desk.js";
import { Effect } from "./effect.js";
import { Heard } from "../shared/heard.js";
import { AnnotateLook } from "./look.js";
import { Note } from "./note.js";
import { Proposals } from "./proposals.js";
import { announce, spoken } from "../shared/messages.js";
import { rules } from "../shared/rules.js";
import { gettext } from "../shared/words.js";

/** @extends {Desk<AnnotateLook>} */
export class AnnotateDesk extends Desk {
  /** The task before us, as the server gave it. @type {(GivenTask & { config: string, duration: number, answer: AnswerSoFar | null }) | null} */
  task = null;
  /** Label Studio's editor, and before it is there, what stands in for it. @type {(Editing & { follow(time: number, playing: boolean): void }) | null} */
  editor = null;
  /** @type {import("./drafts.js").DraftKeeper | null} */
  draft = null;
  proposals = new Proposals(() => this.task, () => this.editor?.regions() ?? []);
  ahead = 0; // clips of coming tasks that could be played at once

  /** @param {HTMLElement} page  @param {import("../shared/keep.js").Keep} keep */
  constructor(page, keep) {
    super(keep, (desk) => new AnnotateLook(page, desk));
    this.note = new Note(keep, () => (page.dataset.practice === undefined && this.look.ready && this.task?.id) || null);
    this.effect = rules.hears_effects && page.dataset.practice === undefined ? new Effect(this.context, () => this.player.pause()) : null;
  }

  /** The server has said what became of the answer to a task, or cannot be asked yet. @param {number} task  @param {AnswerKept} said */
  answered(task, { status, effect = false }) {
    if (status !== "waiting") this.heard = new Heard(); // confirmed: nothing of it is kept any longer
    this.effect?.answered(task, effect);
  }

  /** What keys and buttons do with the proposal that they mean. @returns {Acts} */
  proposing() {
    /** @param {(proposal: ResultItem) => void} act */
    const on = (act) => () => {
      const proposal = this.look.ready && this.proposals.at(this.player.time);
      if (proposal) act(proposal);
      this.changed();
    };
    /** @param {ResultItem} proposal */
    const accept = (proposal) => {
      this.editor?.put?.(proposal);
      announce(gettext("Marked %(times)s.", { times: spoken(proposal.value) }));
    };
    return { accept: on(accept), dismiss: on((proposal) => this.proposals.dismiss(proposal)) };
  }
}
