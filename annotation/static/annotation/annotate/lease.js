// The clip in hand stays reserved while somebody works on it.
import { Refused, SignedOut, call } from "../shared/api.js";
import { go } from "../shared/leaving.js";
import { notice, signedOut } from "../shared/messages.js";
import { root } from "../shared/site.js";

const HEARTBEAT = 60000; // ms

/** `task()` is the one that is reserved, or null. Asked now and then, and whenever somebody comes back to the page. */
export function holdLease(task, keep) {
  async function beat() {
    if (!task() || document.hidden) return;
    try {
      await call("POST", `${root}api/tasks/${task().id}/lease/`);
    } catch (error) {
      if (error instanceof SignedOut) signedOut(keep);
      else if (error.body?.error === "AlreadyAnswered") notice("warning", `${error.message} What you submit here asks before it replaces that answer.`);
      else if (error.body?.go) notice("error", error.message, ["Your own page", () => go(error.body.go, keep.wouldLose)]);
      else if (error instanceof Refused) notice("warning", "This clip is no longer reserved for you. You can still submit your marks; they are kept.");
    }
  }
  setInterval(beat, HEARTBEAT);
  document.addEventListener("visibilitychange", beat);
  window.addEventListener("focus", beat);
}
