// @ts-check
// The wish to hear what one's marks change in a clip: sent, and looked after until it is over.
import { Refused, SignedOut, Unreachable, call } from "./api.js";
import { root } from "./site.js";
import { gettext } from "./words.js";

export const LOOK = 2000; // ms

/** @typedef {{ state: string, html?: string }} EffectState */

/** What is said of a state. @param {string} state */
export function saidOf(state) {
  const words = /** @type {Record<string, string>} */ ({
    waiting: gettext("It waits until no other work does. You can go on meanwhile."),
    making: gettext("It is being made: about twenty seconds. You can go on meanwhile."),
    made: gettext("It is ready."),
    busy: gettext("The machine has other work now. Ask again later."),
    failed: gettext("It could not be made."),
  });
  return words[state] ?? "";
}

/**
 * Ask for it, and tell each state that it comes into, the last one too; `goesOn` says whether somebody still wants to know.
 * @param {number} task
 * @param {(said: EffectState) => void} told
 * @param {() => boolean} goesOn
 */
export async function wish(task, told, goesOn = () => true) {
  const url = `${root}api/tasks/${task}/effect/`;
  try {
    /** @type {EffectState} */
    let said = await call("POST", url);
    for (;;) {
      if (["waiting", "making"].includes(said.state)) {
        told(said);
        await new Promise((resolve) => setTimeout(resolve, LOOK));
        if (!goesOn()) return;
        said = await look(url, said);
        continue;
      }
      if (said.state === "made" && !said.html) said = await call("GET", url);
      return told(said);
    }
  } catch (error) {
    if (!(error instanceof Refused || error instanceof SignedOut || error instanceof Unreachable)) throw error;
    told({ state: "failed" });
  }
}

/** What it is now; while the server cannot be asked, what it was. @param {string} url  @param {EffectState} before  @returns {Promise<EffectState>} */
async function look(url, before) {
  try {
    return await call("GET", url);
  } catch (error) {
    if (error instanceof Unreachable) return before;
    throw error;
  }
}
