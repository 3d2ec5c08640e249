// @ts-check
// Marks of one clip that were changed in two places: which ones one goes on with. The others are kept until the clip is answered.
import { ago, ask, marks } from "../shared/ask.js";
import { rules } from "../shared/rules.js";
import { gettext } from "../shared/words.js";

/** What matters of a result, as text: its marks in order of time, and what else they say. @param {Result | null | undefined} result */
export function shapeOf(result) {
  const times = (result ?? []).filter(({ value }) => value).map(({ value: { start, end, labels = [], choices = [] } }) => [start, end, ...labels.filter((label) => label !== rules.label), ...choices]);
  return JSON.stringify(times.sort((a, b) => Number(a[0]) - Number(b[0]) || Number(a[1]) - Number(b[1]) || String(a).localeCompare(String(b))));
}

/**
 * With which marks a task begins. `given` is the task as the server gave it; `keep` may have marks that this browser could not bring
 * to it. Where both have changed since they were the same, the person is asked.
 * @param {import("../shared/keep.js").Keep} keep
 * @param {Given} given
 * @returns {Promise<Begun>}
 */
export async function begin(keep, given) {
  const { id } = given.task;
  const theirs = given.draft ?? given.answer?.result ?? null;
  const base = given.draft_saved_at ?? null;
  const kept = keep.draft(id);
  /** @type {Begun} */
  const fromServer = { result: theirs, unsent: false, base, sent: [] };
  if (!kept || kept.saved || shapeOf(kept.result) === shapeOf(theirs)) return fromServer;
  const mine = { result: kept.result, unsent: true, base, sent: kept.sent ?? [] };
  const there = whatCameBetween(kept, given);
  if (!there) return mine;
  const here = gettext("Here: %(marks)s, changed %(ago)s.", { marks: marks(kept.result.length), ago: ago((Date.now() - kept.at) / 1000) });
  const chosen = await ask(
    gettext("This clip was marked in two places"),
    [here, there, gettext("Which marks do you want to go on with? The others are kept until you answer the clip.")],
    ["here", gettext("Go on with those from here")],
    ["there", gettext("Go on with the others")],
  );
  keep.keepOther(id, chosen === "here" ? (theirs ?? []) : kept.result);
  if (chosen === "here") keep.keepDraft(id, kept.result, false, { base, revises: revisionOf(given) });
  else keep.keepDraft(id, theirs ?? [], true, { base });
  return chosen === "here" ? mine : fromServer;
}

/** The revision of the answer that is being changed; 0: none. @param {{ answer?: { revision: number } | null }} given */
export function revisionOf(given) {
  return given.answer?.revision ?? 0;
}

/** What came to the server from elsewhere since the kept marks went on from it, in words; null: nothing. @param {KeptDraft} kept  @param {Given} given */
function whatCameBetween(kept, given) {
  const ours = kept.sent?.includes(shapeOf(given.draft)); // its confirmation was lost
  if (given.draft && kept.base !== given.draft_saved_at && !ours) {
    return gettext("In another tab or on another device: %(marks)s, changed %(ago)s.", { marks: marks(given.draft.length), ago: ago(given.draft_age ?? 0) });
  }
  const { answer } = given;
  if (!given.draft && answer && kept.revises !== answer.revision) return gettext("Your answer: %(marks)s, given %(ago)s.", { marks: marks(answer.result.length), ago: ago(answer.age) });
  return null;
}

/**
 * Let the marks that were not chosen and those before the person change places; what is there then is unsent.
 * @param {import("../shared/keep.js").Keep} keep
 * @param {number} id
 * @param {Result} result
 * @param {DraftAbout} about
 */
export function swap(keep, id, result, about) {
  const other = keep.other(id) ?? [];
  keep.keepOther(id, result);
  keep.keepDraft(id, other, false, about);
}
