// @ts-check
// A clip handed on instead of decided: to more people, back to somebody who answered it, or to another reviewer.
import { $, element } from "../shared/elements.js";
import { when as written } from "../shared/when.js";

/** What becomes of the clip, by the decision that is sent. @type {Record<string, string>} */
const HINTS = {
  "send back": "The clip goes to people who have not heard it yet, and comes here again if they do not settle it.",
  return: "They hear the clip again with what you write, and may change their answer; the old one is kept in its history. Nobody tells them what others answered.",
  "pass on": "The clip leaves your list, and is the first thing they see in theirs. Any reviewer may still decide it.",
};

/** @param {string} kind */
function radio(kind) {
  return /** @type {HTMLInputElement | null} */ (document.querySelector(`[name=back-to][value="${kind}"]`));
}

export class HandingOn {
  /** `send` is given what the server is to be told. @param {(body: object) => Promise<void>} send */
  constructor(send) {
    this.send = send;
    $("back-form").addEventListener("submit", (event) => void this.#sent(event));
    $("back-form").addEventListener("change", () => this.#explain());
    $("back-cancel").addEventListener("click", () => $("back-dialog").close());
  }

  /** Ask to whom, beginning with a kind. @param {string} kind  @param {ShownReview} shown */
  open(kind, { may_return }) {
    $("back-person").replaceChildren(...may_return.map((number) => {
      const option = document.createElement("option");
      option.value = String(number);
      option.textContent = `Person ${number}`;
      return option;
    }));
    const person = radio("return");
    if (person) person.disabled = $("back-person").disabled = !may_return.length;
    const wanted = radio(kind);
    const chosen = wanted && !wanted.disabled ? wanted : radio("send back");
    if (chosen) chosen.checked = true;
    this.#explain();
    $("back-error").textContent = "";
    $("back-dialog").showModal();
    $("back-note").focus();
  }

  get #kind() {
    return String(new FormData($("back-form")).get("back-to") ?? "send back");
  }

  #explain() {
    $("back-hint").textContent = HINTS[this.#kind];
  }

  /** @param {Event} event */
  async #sent(event) {
    event.preventDefault();
    const note = $("back-note").value.trim();
    $("back-error").textContent = note ? "" : "Say why it goes back.";
    $("back-note").setAttribute("aria-invalid", String(!note));
    if (!note) return $("back-note").focus();
    $("back-dialog").close();
    const decision = this.#kind;
    const reviewer = /** @type {HTMLSelectElement | null} */ (document.getElementById("back-reviewer"));
    const more = decision === "return" ? { person: Number($("back-person").value) }
      : decision === "pass on" ? { to: Number(reviewer?.value) } : { more: Number($("back-more").value) };
    await this.send({ decision, note, ...more });
  }
}

/** Whom the clip waits for. @param {HTMLElement} list  @param {ShownReview["referrals"]} referrals */
export function showReferrals(list, referrals) {
  list.hidden = !referrals.length;
  list.replaceChildren(...referrals.map(({ words, note, when }) => {
    const item = element("li", "message");
    item.append(`${words}, since ${written(when)}: `, element("q", "as-written", note));
    return item;
  }));
}
