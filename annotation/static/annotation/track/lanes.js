// @ts-check
// What people marked in a part of a track, each in a lane of their own, and what was agreed on, on the same seconds.
import { button, element } from "../shared/elements.js";

/** @param {[number, number, number?]} stretch */
function times([start, end]) {
  return `${start.toFixed(2)} to ${end.toFixed(2)} s`;
}

/**
 * The lanes of what `clips` have in `shown`: the consensus, then everybody who answered there. `play` is told which seconds.
 * @param {{ clips: TrackClip[], shown: Part, play: (start: number, end: number) => void }} what
 */
export function lanesOf({ clips, shown, play }) {
  const here = clips.filter(({ start, end }) => start < shown.end && end > shown.start);
  const length = shown.end - shown.start;

  /** @template {HTMLElement} Made @param {Made} made  @param {number} start  @param {number} end */
  const at = (made, start, end) => {
    const [from, to] = [Math.max(start, shown.start), Math.min(end, shown.end)];
    made.style.left = `${(100 * (from - shown.start)) / length}%`;
    made.style.width = `${(100 * (to - from)) / length}%`;
    return made;
  };

  /** Where nobody was asked. @param {TrackClip[]} asked */
  const gaps = (asked) => {
    /** @type {[number, number][]} */
    const found = [];
    let since = shown.start;
    for (const { start, end } of [...asked].sort((a, b) => a.start - b.start)) {
      if (start > since) found.push([since, start]);
      since = Math.max(since, end);
    }
    if (since < shown.end) found.push([since, shown.end]);
    return found;
  };

  /** @param {string} name  @param {string} kind  @param {[number, number, number?][]} stretches  @param {TrackClip[]} asked  @param {string} empty */
  const lane = (name, kind, stretches, asked, empty) => {
    const said = element("div", `timeline-name ${kind}`);
    said.append(element(kind === "consensus" ? "strong" : "span", "", name));
    const body = element("div", "timeline-body lane-body");
    const inside = stretches.filter(([start, end]) => start < shown.end && end > shown.start);
    body.setAttribute("role", "group");
    body.setAttribute("aria-label", `${name}: ${inside.map(times).join("; ") || empty}`);
    for (const [start, end] of gaps(asked)) {
      const hatched = at(element("div", "unheard"), start, end);
      hatched.title = "no clip was given here";
      body.append(hatched);
    }
    for (const stretch of inside) {
      const block = at(button("", () => play(stretch[0], stretch[1])), stretch[0], stretch[1]);
      block.className = `block ${kind}`;
      block.title = stretch[2] === undefined ? times(stretch) : `${times(stretch)}, probability ${stretch[2].toFixed(2)}`;
      block.setAttribute("aria-label", `${name}, ${block.title}: play`);
      if (stretch[2] !== undefined) block.style.opacity = String(0.3 + 0.7 * stretch[2]);
      body.append(block);
    }
    if (!inside.length && asked.length) body.append(element("span", "lane-empty", empty));
    return [said, body];
  };

  if (!here.length) return [element("div", "timeline-name muted", "No clip here")];
  const decided = here.filter((clip) => clip.decided);
  const names = [...new Set(here.flatMap(({ answers }) => answers.map(({ name }) => name)))];
  const rows = decided.length ? [lane("Consensus", "consensus", decided.flatMap(({ regions }) => regions), decided, "nothing agreed on")] : [];
  for (const name of names) {
    const own = here.flatMap((clip) => clip.answers.filter((answer) => answer.name === name).map((answer) => ({ clip, answer })));
    rows.push(lane(name, "person", own.flatMap(({ answer }) => answer.marks), own.map(({ clip }) => clip), "heard nothing wrong"));
  }
  return rows.flat();
}
