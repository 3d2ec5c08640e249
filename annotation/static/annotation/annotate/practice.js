// @ts-check
// A practice clip: what was extracted or the mix at the same moment, and marks made while listening. Without this script the table alone will do.
import { $, button } from "../shared/elements.js";

const player = $("player");
const rows = $("marks");
const length = Number($("practice").dataset.length);
/** @type {number | null} where the mark that is in the making begins, seconds of the clip */
let began = null;

/** @param {Element} row */
function fields(row) {
  return [...row.querySelectorAll("input")];
}

function newRow() {
  const row = /** @type {HTMLTableRowElement} */ (rows.rows[0].cloneNode(true));
  for (const [n, field] of fields(row).entries()) {
    field.setAttribute("aria-label", `${n ? "End" : "Start"} of mark ${rows.rows.length + 1}, seconds`);
  }
  rows.append(row);
  actions(row).replaceChildren();
  return row;
}

/** @param {number} start  @param {number} end */
function add(start, end) {
  const row = [...rows.rows].find((one) => fields(one).every((field) => !field.value)) ?? newRow();
  const [first, last] = fields(row);
  first.value = start.toFixed(2);
  last.value = end.toFixed(2);
  equip(row);
}

/** The cell with a row's buttons. @param {HTMLTableRowElement} row */
function actions(row) {
  return row.cells[row.cells.length - 1];
}

/** @param {HTMLTableRowElement} row */
function equip(row) {
  const cell = actions(row);
  if (cell.childElementCount) return;
  const play = button("Play", () => {
    player.currentTime = Number(fields(row)[0].value) || 0;
    void player.play();
  });
  const remove = button("Delete", () => {
    for (const field of fields(row)) field.value = "";
    cell.replaceChildren();
  });
  cell.append(play, " ", remove);
}

/** Where the clip was when somebody pressed, also if the page came round to it later. @param {Event} event */
function where({ timeStamp }) {
  const late = player.paused ? 0 : (performance.now() - timeStamp) / 1000;
  return Math.max(0, Math.min(player.currentTime - late * player.playbackRate, length));
}

/** @param {number | null} at */
function begin(at) {
  began = at;
  $("mark-label").textContent = at === null ? "Mark from here" : "Mark to here";
  $("half-made").textContent = "";
}

/** @param {Event} event */
function mark(event) {
  if (began === null) return begin(where(event));
  const [start, end] = [began, where(event)].sort((a, b) => a - b);
  if (end > start) add(start, end);
  begin(null);
}

/** @param {string} which */
function hear(which) {
  const at = player.currentTime;
  const playing = !player.paused;
  player.src = player.dataset[which] ?? "";
  player.currentTime = at;
  if (playing) void player.play();
  const choice = /** @type {HTMLInputElement} */ ($("listen").querySelector(`[value=${which}]`));
  choice.checked = true;
}

document.getElementById("feedback")?.focus(); // there once an answer was sent
$("mark").hidden = $("listen").hidden = false;
$("mark").addEventListener("click", mark);
player.addEventListener("ended", () => {
  if (began === null) return;
  add(began, length);
  begin(null);
});
$("answer").addEventListener("submit", (event) => {
  if (began === null) return;
  event.preventDefault();
  player.pause();
  $("half-made").textContent = `You have begun a mark at ${began.toFixed(2)} s and not ended it. Press M where it ends, or Escape to leave it out; then send.`;
  $("mark").focus();
});
window.addEventListener("beforeunload", (event) => began !== null && event.preventDefault());
$("listen").addEventListener("change", ({ target }) => target instanceof HTMLInputElement && hear(target.value));
for (const row of rows.rows) if (fields(row)[0].value) equip(row);

/** @type {Record<string, (event: KeyboardEvent) => unknown>} */
const KEYS = {
  m: (event) => event.repeat || mark(event),
  v: () => hear("extracted"),
  x: () => hear("mix"),
};

document.addEventListener("keydown", (event) => {
  const { key, target } = event;
  if (key === "Escape") return begin(null);
  if (event.ctrlKey || event.metaKey || event.altKey || !(target instanceof Element)) return;
  if (target.matches("input:not([type=radio]), textarea, a")) return;
  if (target.matches("button") && [" ", "Enter"].includes(key)) return; // presses it
  const does = KEYS[key.toLowerCase()];
  if (does) does(event);
  else if (key !== " " || target === player) return;
  else if (player.paused) void player.play();
  else player.pause();
  event.preventDefault();
});
