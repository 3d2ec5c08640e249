// @ts-check
// The clip in hand stays reserved while somebody works on it.
import { Refused, SignedOut, call } from "../shared/api.js";
import { notice, signedOut } from "../shared/messages.js";
import { root } from "../shared/site.js";
import { tellOfRefusal } from "./refusals.js";
import { gettext } from "../shared/words.js";

const HEARTBEAT = 60000; // ms

/**
 * `task` is the one that is reserved, or null. Asked now and then, and whenever somebody comes back to the page.
 * @param {() => { id: number } | null} task
 * @param {{ wouldLose: boolean }} keep
 */
export function holdLease(task, keep) {
  async function beat() {
    const reserved = task();
    if (!reserved || document.hidden) return;
    try {
      await call("POST", `${root}api/tasks/${reserved.id}/lease/`);
    } catch (error) {
      if (error instanceof SignedOut) signedOut(keep);
      else if (error instanceof Refused && !tellOfRefusal(error, keep)) {
        notice("warning", gettext("This clip is no longer reserved for you. You can still submit your marks; they are kept."));
      }
    }
  }
  setInterval(() => void beat(), HEARTBEAT);
  document.addEventListener("visibilitychange", () => void beat());
  window.addEventListener("focus", () => void beat());
}
