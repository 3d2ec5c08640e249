// @ts-check
// What lies before a reviewer: the desk that all have, the clip with everybody's answers, and the decision.
import { Desk } from "../shared/desk.js";
import { $ } from "../shared/elements.js";
import { ACTIONS } from "../shared/keymap.js";
import { Decision, asSaid, saidBy, shapeOf } from "./decision.js";
import { ReviewLook } from "./look.js";

const ELSEWHERE = ["draw", "accept", "dismiss", "nothing", "submit", "skip", "earlier", "examples", "note", "effect", "help"]; // of the annotate page only
/** @type {Action[]} */
export const KEYS = [
  ...ACTIONS.filter(([name]) => !ELSEWHERE.includes(name) && !/^tag\d$/.test(name)),
  ["takeOver", "put a person's answer into the decision: the first, and again for the next", ["T"]],
  ["reset", "put the consensus back into the decision", ["C"]],
  ["submit", "accept the decision as it stands", ["Ctrl+Enter"]],
  ["sendBack", "send the clip back to more people, with a reason", ["S"]],
  ["returnIt", "give the clip back to somebody who answered it, to be heard again", ["B"]],
  ["passOn", "pass the clip to another reviewer", ["P"]],
  ["comment", "write a comment on this clip", ["W"]],
  ["next", "the next clip, nothing decided on this one", ["N"]],
  ["help", "this list", ["?"]],
];

/** @extends {Desk<ReviewLook>} */
export class ReviewDesk extends Desk {
  /** The review as the server gave it. @type {ShownReview | null} */
  shown = null;
  /** The answer that was taken over last. @type {{ number: number, shape: string } | null} */
  #taken = null;

  /** `changed` is called after each change of the decision. @param {HTMLElement} page  @param {import("../shared/keep.js").Keep<any>} choices  @param {() => void} changed */
  constructor(page, choices, changed) {
    super(choices, (desk) => new ReviewLook(page, desk), KEYS);
    this.editor = new Decision($("strip-cell"), () => this.player.duration || this.shown?.duration || 0, changed);
    this.drawing = this.stripOn($("decision"), { seek: (time) => this.player.seek(time), pick: (region) => this.#hear(region) });
  }

  /** Whether it says something else than the consensus. */
  get edited() {
    return this.editor.shape() !== shapeOf(saidBy(this.shown?.crowd));
  }

  /** What the decision would be: as the consensus says, as one person answered, or the reviewer's own. */
  get verdict() {
    if (!this.edited) return { kind: "accept" };
    return this.#taken?.shape === this.editor.shape() ? { kind: "take", number: this.#taken.number } : { kind: "edit" };
  }

  /** The regions as they would be if what is half made were made. @returns {import("./decision.js").Said[]} */
  inHand() {
    return [...this.editor.regions(), ...this.halfMade.kept().map((part) => ({ ...part, missing: this.missing }))].map(asSaid);
  }

  /** Put a person's answer into the decision. @param {number} number */
  take(number) {
    const lane = this.shown?.lanes[number - 1];
    if (!this.look.ready || !lane) return;
    this.editor.replace(saidBy({ regions: lane.marks, missing: lane.missing }));
    this.#taken = { number, shape: this.editor.shape() };
    this.changed();
  }

  takeNext() {
    const n = this.shown?.lanes.length || 1;
    this.take(((this.verdict.number ?? 0) % n) + 1);
  }

  letGo() {
    super.letGo();
    this.drawing.letGo();
  }

  cancel() {
    return super.cancel() || this.drawing.cancel();
  }

  /** A click on a region of the decision. @param {Mark} region */
  #hear(region) {
    this.editor.select(region.id);
    this.player.playRange(region.start, region.end);
  }
}
