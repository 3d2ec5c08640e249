// @ts-check
// The page of one track: all its sounds in step, what they look like, and what people and models made of it.
import { $, button, element } from "../shared/elements.js";
import { Playhead } from "../shared/playhead.js";
import { drawPicture, drawShape } from "./drawing.js";
import { lanesOf } from "./lanes.js";
import { PartsPlayer } from "./parts_player.js";

const LOOK = 100; // ms
const STEP = 5; // seconds of an arrow key
const AT_ONCE = 3; // sounds that are fetched before anybody listens to them

/** @type {TrackDesk} */
const desk = JSON.parse($("desk").textContent ?? "");
const { duration, clips, sounds } = desk;
const urls = new Map(sounds.map(({ name, url }) => [name, url]));
const names = new Map(sounds.map(({ name, title }) => [name, title]));
const context = new AudioContext();
const player = new PartsPlayer(
  context,
  { duration, part: desk.part, overlap: desk.overlap, sounds: sounds.slice(0, AT_ONCE).map(({ name }) => name) },
  { fetchPart, changed: () => show(), failed: (error) => say(error instanceof Error ? error.message : String(error)) },
);
const [overWhole, overPart] = [new Playhead(parentOf($("shape"))), new Playhead(parentOf($("picture")))];
/** @type {Map<string, Promise<number[]>>} */
const shapes = new Map();
/** @type {Map<string, HTMLImageElement | null>} by part and sound; null: on its way, or not to be had */
const pictures = new Map();
/** @type {number[]} */
let peaks = [];
let shownPart = -1;

/** @param {HTMLElement} of */
function parentOf(of) {
  return /** @type {HTMLElement} */ (of.parentElement);
}

/** @param {string} text */
function say(text) {
  $("announce").textContent = text;
}

/** Minutes and seconds: 3:07.4. @param {number} seconds */
function written(seconds) {
  const tenths = Math.floor(seconds * 10 + 1e-6);
  return `${Math.floor(tenths / 600)}:${String(Math.floor((tenths % 600) / 10)).padStart(2, "0")}.${tenths % 10}`;
}

/** @param {string} sound  @param {number} number */
async function fetchPart(sound, number) {
  const response = await fetch(`${urls.get(sound)}${number}.ogg`, { credentials: "same-origin" });
  if (!response.ok) throw new Error(`${names.get(sound)} could not be loaded here: its file is gone, or cannot be read.`);
  return context.decodeAudioData(await response.arrayBuffer());
}

/** @param {string} sound  @returns {Promise<number[]>} */
async function fetchShape(sound) {
  const response = await fetch(`${urls.get(sound)}shape.json`, { credentials: "same-origin" });
  return response.ok ? response.json() : [];
}

// ---- what is shown -----------------------------------------------------------------------------------------------------------

/** The seconds that the lower picture shows. */
function shown() {
  const start = shownPart * desk.part;
  return { start, end: Math.min(start + desk.part, duration) };
}

function show() {
  const { state, sound } = player;
  $("play-label").textContent = state === "rest" ? "Play" : "Pause";
  $("hear").dataset.state = state;
  $("shape-of").textContent = names.get(sound) ?? "";
  $("picture-of").textContent = names.get(sound) ?? "";
  for (const input of document.querySelectorAll("input[name=listen]")) {
    const radio = /** @type {HTMLInputElement} */ (input);
    radio.checked = radio.value === sound;
  }
  say(state === "waiting" ? "loading the sound …" : "");
  follow();
}

/** Show the part that is heard, and all that belongs to it. */
function follow() {
  const number = player.partAt(player.time);
  const key = `${number} ${player.sound}`;
  if (number !== shownPart) {
    shownPart = number;
    const { start, end } = shown();
    $("part-from").textContent = start.toFixed(0);
    $("part-to").textContent = end.toFixed(0);
    $("part-before").disabled = number === 0;
    $("part-after").disabled = number === desk.n_parts - 1;
    $("lanes").replaceChildren(...lanesOf({ clips, shown: shown(), play: (from, to) => player.playRange(from, to) }));
    overPart.put();
    whole();
  }
  if (!pictures.has(key)) {
    pictures.set(key, null);
    void bring(key, `${urls.get(player.sound)}${number}.png`);
  }
  draw();
}

/** @param {string} key  @param {string} url */
async function bring(key, url) {
  const image = new Image();
  image.src = url;
  await image.decode().catch(() => {});
  if (!image.naturalWidth) return;
  pictures.set(key, image);
  draw();
}

function draw() {
  drawPicture($("picture"), { image: pictures.get(`${shownPart} ${player.sound}`) ?? null, shown: shown() });
}

function whole() {
  drawShape($("shape"), { peaks, duration, clips, shown: shown() });
}

/** @param {string} sound */
async function outline(sound) {
  if (!shapes.has(sound)) shapes.set(sound, fetchShape(sound));
  const found = (await shapes.get(sound)) ?? [];
  if (sound !== player.sound) return;
  peaks = found;
  whole();
}

function frame() {
  requestAnimationFrame(frame);
  const { time } = player;
  if (player.partAt(time) !== shownPart) follow();
  $("clock").textContent = `${written(time)} / ${written(duration)}`;
  for (const [head, id, view] of /** @type {const} */ ([[overWhole, "shape", { start: 0, length: duration }], [overPart, "picture", { start: shown().start, length: shown().end - shown().start }]])) {
    const { left, width } = $(id).getBoundingClientRect();
    head.show(time, { ...view, left, width });
  }
}

// ---- what is done ------------------------------------------------------------------------------------------------------------

/** @param {string | null | undefined} sound */
function listen(sound) {
  if (!sound || !urls.has(sound) || sound === player.sound) return;
  player.listen(sound);
  void outline(sound);
}

/** Before and after: from the one to the other. */
function change() {
  if (desk.before && desk.after) listen(player.sound === desk.after ? desk.before : desk.after);
}

/** @param {number} by  parts */
function turn(by) {
  player.seek(Math.max(0, Math.min(desk.n_parts - 1, shownPart + by)) * desk.part);
}

/** @type {Record<string, () => void>} */
const KEYS = {
  " ": () => player.toggle(),
  ArrowLeft: () => player.seek(player.time - STEP),
  ArrowRight: () => player.seek(player.time + STEP),
  PageUp: () => turn(-1),
  PageDown: () => turn(1),
  Home: () => player.seek(0),
  b: change,
};

document.addEventListener("keydown", (event) => {
  const on = /** @type {HTMLElement} */ (event.target);
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  const isRadio = on.matches("input[name=listen]");
  if (!isRadio && on.matches("input, select, textarea, summary, .table-scroll")) return;
  if (event.key === " " && on.matches("button, a")) return;
  if (isRadio && event.key.startsWith("Arrow")) return; // they choose among the sounds
  const act = KEYS[event.key.length === 1 ? event.key.toLowerCase() : event.key] ?? soundOf(event.key);
  if (!act) return;
  event.preventDefault();
  act();
});

/** @param {string} key */
function soundOf(key) {
  const found = sounds.find((sound) => sound.key && sound.key === key);
  return found && (() => listen(found.name));
}

/** A click on a picture goes there. @param {"shape" | "picture"} id  @param {() => Part} view */
function goesThere(id, view) {
  $(id).addEventListener("click", (event) => {
    const { left, width } = $(id).getBoundingClientRect();
    const { start, end } = view();
    player.seek(start + ((event.clientX - left) / width) * (end - start));
  });
}

async function compare() {
  if (!desk.differences) return;
  const response = await fetch(desk.differences, { credentials: "same-origin" });
  /** @type {[number, number, number][]} */
  const found = response.ok ? await response.json() : [];
  const rows = found.map(([start, end, db]) => {
    const row = element("li", "row");
    const how = desk.by_stem ? `${db >= 0 ? "better" : "worse"} by ${Math.abs(db).toFixed(1)} dB` : `${Math.abs(db).toFixed(1)} dB ${db >= 0 ? "louder" : "quieter"}`;
    row.append(
      button(`${written(start)} to ${written(end)}`, () => player.playRange(start, end)),
      element("span", `badge${desk.by_stem ? (db >= 0 ? " good" : " bad") : ""}`, how),
    );
    return row;
  });
  const none = response.ok ? "They hardly differ anywhere." : "They could not be compared.";
  $("differences").replaceChildren(...(rows.length ? rows : [element("li", "muted", none)]));
}

$("play").addEventListener("click", () => player.toggle());
$("back").addEventListener("click", KEYS.ArrowLeft);
$("on").addEventListener("click", KEYS.ArrowRight);
$("part-before").addEventListener("click", KEYS.PageUp);
$("part-after").addEventListener("click", KEYS.PageDown);
$("volume").addEventListener("input", () => (player.volume = Number($("volume").value)));
$("listen").addEventListener("change", (event) => listen(/** @type {HTMLInputElement} */ (event.target).value));
goesThere("shape", () => ({ start: 0, end: duration }));
goesThere("picture", shown);
addEventListener("resize", () => (whole(), draw()));
setInterval(() => player.look(), LOOK);
show();
void outline(player.sound);
void compare();
frame();
