// @ts-check
// What is said when the server refuses something about the clip in hand that nobody asked for: a draft, a lease.
import { go } from "../shared/leaving.js";
import { notice } from "../shared/messages.js";
import { gettext } from "../shared/words.js";

/**
 * Say it; returns which it was: the clip is answered elsewhere, something comes before it, or neither, of which nothing is said.
 * @param {import("../shared/api.js").Refused} refused
 * @param {{ wouldLose: boolean }} keep
 */
export function tellOfRefusal({ message, body }, keep) {
  const { error, go: there } = body;
  if (error === "AlreadyAnswered") {
    notice("warning", `${message} ${gettext("What you submit here asks before it replaces that answer.")}`);
    return "answered";
  }
  if (!there) return "";
  notice("error", message, [gettext("Your own page"), () => go(there, keep.wouldLose)]);
  return "go";
}
