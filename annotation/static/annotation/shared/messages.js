// @ts-check
// What the page says, and the few helpers for saying it.
import { $, button } from "./elements.js";
import { go } from "./leaving.js";
import { root } from "./site.js";
import { gettext, written } from "./words.js";

/** Touch the page only where something is new: these are set ten times a second. @param {keyof Ids} id  @param {string} text */
export function say(id, text) {
  if ($(id).textContent !== text) $(id).textContent = text;
}

/** @param {Part} mark */
export function spoken({ start, end }) {
  return `${tenths(start)} to ${tenths(end)} seconds`;
}

/**
 * Show a message.
 * @param {"error" | "warning" | "success"} kind
 * @param {string} text
 * @param {[label: string, act: () => unknown][]} actions
 */
export function notice(kind, text, ...actions) {
  const box = $("notice");
  box.className = `message ${kind}`;
  $("notice-text").textContent = text;
  $("notice-actions").replaceChildren(...actions.map(([label, act]) => button(label, act)));
  box.hidden = false;
}

export function hideNotice(kind = "message") {
  if ($("notice").classList.contains(kind)) $("notice").hidden = true;
}

/** Tell whoever listens to the page by a screen reader, once; others see it where it stands. @param {string} text */
export function announce(text) {
  $("announce").textContent = $("announce").textContent === text ? `${text}\u00a0` : text; // the same words again are news, too
}

/** @param {string} text */
export function saved(text, bad = false) {
  if (bad && $("saved").textContent !== text) announce(text);
  $("saved").textContent = text;
  $("saved").classList.toggle("bad", bad);
}

const KEPT = gettext("You are signed out. Your marks are kept in this browser; sign in again, and they are here.");
const LOST = gettext("You are signed out. This browser could not keep your marks, so do not close this page; sign in again in another tab, then go on here.");
const KEPT_BY_LINK = gettext("You are signed out. Your marks are kept in this browser. You came by a study's link and have no password: open that link again, and they are here.");
const LOST_BY_LINK = gettext("You are signed out. This browser could not keep your marks, so do not close this page. You came by a study's link and have no password: open that link again in another tab, then go on here.");

/** Say that the session is over, and what to do; `keep` knows whether the work would outlive this page. @param {{ wouldLose: boolean }} keep */
export function signedOut(keep) {
  const [lost, byLink] = [keep.wouldLose, "byLink" in document.body.dataset];
  const url = `${root}sign-in/?next=${encodeURIComponent(location.pathname)}`;
  /** @type {[string, () => unknown]} */
  const signIn = [gettext("Sign in"), () => (lost ? window.open(url) : go(url))];
  notice("error", byLink ? (lost ? LOST_BY_LINK : KEPT_BY_LINK) : lost ? LOST : KEPT, ...(byLink ? [] : [signIn]));
}

/**
 * Back off between tries: 1, 2, 4 … 30 s, or until the person or the network says now.
 * @param {number} tries
 * @param {string} text
 * @returns {Promise<void>}
 */
export function waitAfter(tries, text) {
  const length = Math.min(30, 2 ** tries);
  return new Promise((resolve) => {
    const timer = setTimeout(done, length * 1000);
    function done() {
      clearTimeout(timer);
      window.removeEventListener("online", done);
      resolve();
    }
    window.addEventListener("online", done);
    notice("warning", `${text} ${gettext("Trying again in %(length)s s.", { length })}`, [gettext("Try now"), done]);
  });
}

/** Where play is, in seconds as everywhere on the page: 5.32 of 12 -> "5.3 / 12.0 s" @param {number} time  @param {number} duration */
export function clock(time, duration) {
  return `${tenths(time)} / ${tenths(duration)} s`;
}

/** Never more than it is: nobody reads an end that is not reached. @param {number} seconds */
function tenths(seconds) {
  return written(Math.floor(seconds * 10 + 1e-6) / 10, 1);
}

/** What is still to hear, in words. @param {Stretch[]} missing */
export function stillToHear(missing) {
  return missing.length ? `${missing.map(([start, end]) => `${tenths(start)}–${tenths(end)}`).join(", ")} s` : "";
}

/** Which mark of a result the server complains about, counted from 0, or null. It names it by number or as "result[0]". @param {RefusalBody} said */
export function refusedMark({ region }) {
  const number = Number(String(region ?? "").match(/\d+/)?.[0]);
  return Number.isInteger(number) ? number : null;
}
