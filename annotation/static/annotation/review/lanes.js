// @ts-check
// What each person answered and what the consensus makes of it, under each other on the seconds of the clip.
import { marks as marksInWords } from "../shared/ask.js";
import { button, element } from "../shared/elements.js";
import { when as written } from "../shared/when.js";

/** @param {Stretch} stretch */
function times([start, end]) {
  return `${start.toFixed(2)} to ${end.toFixed(2)} s`;
}

/** @param {Stretch} region  of a consensus */
function probable([, , probability = 0]) {
  return `probability ${probability.toFixed(2)}`;
}

/** @param {string} name  @param {Record<string, string | number | boolean>} attributes */
function svg(name, attributes) {
  const made = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, String(value));
  return made;
}

/** The server speaks of seconds of the track; here all is of the clip. @param {Review} given  @returns {ShownReview} */
export function inClip(given) {
  const { start, end } = given.task;
  /** @param {Stretch} stretch  @returns {Stretch} */
  const move = ([from, to, ...rest]) => [from - start, Math.min(to, end) - start, ...rest];
  /** @param {Stretch[] | null} stretches */
  const moved = (stretches) => stretches && stretches.map(move);
  /** @param {Found | null} one */
  const found = (one) => one && { ...one, regions: one.regions.map(move), missing: one.missing.map(move) };
  return {
    ...given,
    duration: end - start,
    lanes: given.lanes.map((lane) => ({ ...lane, marks: lane.marks.map(move), missing: lane.missing.map(move), unheard: lane.unheard.map(move) })),
    crowd: found(given.crowd),
    decision: found(given.decision),
    history: given.history.map((past) => ({ ...past, before: moved(past.before), after: moved(past.after) })),
  };
}

export class Lanes {
  /** @type {HTMLElement[]} what moves when the view does */
  #inner = [];
  /** @type {HTMLElement[]} */
  #heads = [];
  #drawn = "";
  duration = 0;

  /**
   * `take` is given a person's number, counted from 1.
   * @param {HTMLElement} root
   * @param {{ play: (start: number, end: number) => void, take: (number: number) => void }} act
   */
  constructor(root, act) {
    this.root = root;
    this.act = act;
  }

  /** Show everybody's answers and the crowd's consensus; `may` says whether answers can be taken over. @param {ShownReview & { may: boolean }} shown */
  show({ lanes, crowd, duration, may }) {
    this.duration = duration;
    this.#inner = [];
    this.#heads = [];
    this.#drawn = "";
    this.root.replaceChildren(...lanes.flatMap((lane, n) => this.#person(lane, n + 1, may)), ...(crowd ? this.#consensus(crowd) : []));
  }

  /** Put everything where `view` and the play position want it. @param {View | null} view  @param {number} time */
  draw(view, time) {
    if (!view) return;
    const state = `${view.start} ${view.length}`;
    if (state !== this.#drawn) {
      this.#drawn = state;
      for (const inner of this.#inner) {
        inner.style.width = `${(100 * this.duration) / view.length}%`;
        inner.style.left = `${(-100 * view.start) / view.length}%`;
      }
    }
    const left = `${(100 * time) / this.duration}%`;
    for (const head of this.#heads) if (head.style.left !== left) head.style.left = left;
  }

  /** @param {Lane} lane  @param {number} number  @param {boolean} may */
  #person({ name, marks, tags, missing, unheard, late }, number, may) {
    const said = element("div", "timeline-name");
    const missed = unheard.reduce((sum, [start, end]) => sum + end - start, 0);
    const about = late ? "came late, not counted" : missed ? `${missed.toFixed(1)} s not heard` : "";
    said.append(element("span", "", name));
    if (about) said.append(element("span", "muted about", about));
    if (may) {
      const take = button("Take over", () => this.act.take(number));
      take.className = "quiet take";
      take.setAttribute("aria-label", `Take ${name}'s answer over`);
      said.append(take);
    }
    const what = marks.length ? marksInWords(marks.length) : "heard nothing wrong";
    const unplayed = unheard.length ? `; not heard: ${unheard.map(times).join(", ")}` : "";
    const [body, inner] = this.#body(`${name}: ${what}${unplayed}`, late ? "late" : "");
    for (const stretch of unheard) {
      const hatched = this.#at(element("div", "unheard"), stretch);
      hatched.title = `not heard: ${times(stretch)}`;
      inner.append(hatched);
    }
    for (const [n, mark] of marks.entries()) inner.append(this.#block(name, "person", mark, tags[n]));
    for (const stretch of missing) inner.append(this.#block(name, "person missing", stretch, "missing"));
    if (!marks.length && !missing.length) body.append(element("span", "lane-empty", "heard nothing wrong"));
    return [said, body];
  }

  /** @param {Found} found */
  #consensus({ regions, tags, missing, certainty, posterior, frame }) {
    const said = element("div", "timeline-name consensus");
    said.append(element("strong", "", "Consensus"), element("span", "muted", `${certainty.toFixed(2)} certain`));
    const what = regions.map((one) => `${times(one)}, ${probable(one)}`).join("; ") || "nothing agreed on";
    const [body, inner] = this.#body(`Consensus: ${what}`, "consensus");
    const drawing = svg("svg", { viewBox: `0 0 ${this.duration} 1`, preserveAspectRatio: "none", "aria-hidden": true });
    const points = posterior.flatMap((p, n) => [`${(n * frame).toFixed(3)},${1 - p}`, `${Math.min(this.duration, (n + 1) * frame).toFixed(3)},${1 - p}`]);
    const curve = svg("polygon", { points: [`0,1`, ...points, `${this.duration},1`].join(" ") });
    const half = svg("line", { x1: 0, x2: this.duration, y1: 0.5, y2: 0.5, "vector-effect": "non-scaling-stroke" });
    drawing.append(curve, half);
    inner.append(drawing);
    for (const stretch of missing) inner.append(this.#block("Consensus", "consensus missing", stretch, `missing, ${probable(stretch)}`));
    for (const [n, region] of regions.entries()) {
      const block = this.#block("Consensus", "consensus", region, tags[n]);
      block.title += `, ${probable(region)}`;
      block.setAttribute("aria-label", `Consensus, ${block.title}: play`);
      block.append(element("span", "probability", `${Math.round((region[2] ?? 0) * 100)} %`));
      inner.append(block);
    }
    if (!regions.length && !missing.length) body.append(element("span", "lane-empty", "nothing agreed on"));
    return [said, body];
  }

  /** @param {string} label  @param {string} className */
  #body(label, className) {
    const [body, inner, head] = [element("div", `timeline-body lane-body ${className}`), element("div", "lane-inner"), element("div", "lane-head")];
    body.setAttribute("role", "group");
    body.setAttribute("aria-label", label);
    inner.append(head);
    body.append(inner);
    this.#inner.push(inner);
    this.#heads.push(head);
    return [body, inner];
  }

  /** `more` is what it says beside its times. @param {string} name  @param {string} kind  @param {Stretch} stretch */
  #block(name, kind, stretch, more = "") {
    const block = button("", () => this.act.play(stretch[0], stretch[1]));
    block.className = `block ${kind}`;
    block.title = [times(stretch), more].filter(Boolean).join(", ");
    block.setAttribute("aria-label", `${name}, ${block.title}: play`);
    return this.#at(block, stretch);
  }

  /** @template {HTMLElement} Made @param {Made} made  @param {Stretch} stretch */
  #at(made, [start, end]) {
    made.style.left = `${(100 * start) / this.duration}%`;
    made.style.width = `${(100 * (end - start)) / this.duration}%`;
    return made;
  }
}

/** How well people agree, in words and figures, null where there is nothing to compare. @param {HTMLElement} badge  @param {Agreement} agreement */
export function showAgreement(badge, { words, level, frame_f1: f1, alpha, n_people: people }) {
  badge.hidden = people === 0;
  badge.textContent = [words, ...(f1 === null ? [] : [`F1 ${f1.toFixed(2)}`]), ...(alpha === null ? [] : [`alpha ${alpha.toFixed(2)}`])].join(" · ");
  badge.className = `badge ${level}`;
}

/** What happened to a task, newest first. @param {HTMLElement} list  @param {Past[]} past  @param {number} duration */
export function showPast(list, past, duration) {
  const rows = past.map(({ when, who, words, note, before, after }) => {
    const row = element("li", "");
    const time = element("time", "muted", written(when));
    time.setAttribute("datetime", when);
    row.append(time, " ", element("strong", "", who), ` ${words}`);
    if (note) row.append(element("blockquote", "", note));
    const lanes = element("div", "lanes small");
    if (before) lanes.append(...small(after ? "before" : "it was", "person", before, duration));
    if (after) lanes.append(...small(before ? "after" : "it is", "consensus", after, duration));
    if (lanes.children.length) row.append(lanes);
    return row;
  });
  list.replaceChildren(...(rows.length ? rows : [element("li", "muted", "Nothing yet.")]));
}

/** @param {string} name  @param {string} kind  @param {Stretch[]} stretches  @param {number} duration */
function small(name, kind, stretches, duration) {
  const lane = element("div", "lane");
  const label = `${name}: ${stretches.map(times).join(", ") || "no region"}`;
  const drawing = svg("svg", { viewBox: `0 0 ${duration} 1`, preserveAspectRatio: "none", role: "img", "aria-label": label });
  for (const [start, end] of stretches) drawing.append(svg("rect", { x: start, y: 0.1, width: end - start, height: 0.8, class: kind }));
  lane.append(drawing);
  if (!stretches.length) lane.append(element("span", "lane-empty", "no region"));
  return [element("span", "lane-name", name), lane];
}
