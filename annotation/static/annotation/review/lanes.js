// What each person answered and what the consensus makes of it, under each other on the seconds of the clip.
import { button } from "../shared/messages.js";

const SVG = "http://www.w3.org/2000/svg";

function element(name, className, text = "") {
  const made = document.createElement(name);
  made.className = className;
  made.textContent = text;
  return made;
}

function times([start, end]) {
  return `${start.toFixed(2)} to ${end.toFixed(2)} s`;
}

/** The server speaks of seconds of the track; here all is of the clip. */
export function inClip(given) {
  const { start, end } = given.task;
  const moved = (stretches) => stretches?.map(([from, to, ...rest]) => [from - start, Math.min(to, end) - start, ...rest]) ?? null;
  const found = (one) => one && { ...one, regions: moved(one.regions) };
  return {
    ...given,
    duration: end - start,
    lanes: given.lanes.map((lane) => ({ ...lane, marks: moved(lane.marks), unheard: moved(lane.unheard) })),
    crowd: found(given.crowd),
    decision: found(given.decision),
    history: given.history.map((past) => ({ ...past, before: moved(past.before), after: moved(past.after) })),
  };
}

export class Lanes {
  #inner = []; // what moves when the view does
  #heads = [];
  #drawn = "";

  /** `act` holds play(start, end) and take(number), a person's, counted from 1. */
  constructor(root, act) {
    this.root = root;
    this.act = act;
  }

  /** Show lanes [{name, marks, unheard, late}] and the crowd's consensus or null, in clip seconds; `may` says whether answers can be taken over. */
  show({ lanes, crowd, duration, may }) {
    this.duration = duration;
    this.#inner = [];
    this.#heads = [];
    this.#drawn = "";
    this.root.replaceChildren(...lanes.flatMap((lane, n) => this.#person(lane, n + 1, may)), ...(crowd ? this.#consensus(crowd) : []));
  }

  /** Put everything where `view` ({start, length}) and the play position want it. */
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

  #person({ name, marks, unheard, late }, number, may) {
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
    const what = marks.length ? `${marks.length} mark${marks.length > 1 ? "s" : ""}` : "heard nothing wrong";
    const unplayed = unheard.length ? `; not heard: ${unheard.map(times).join(", ")}` : "";
    const [body, inner] = this.#body(`${name}: ${what}${unplayed}`, late ? "late" : "");
    for (const stretch of unheard) {
      const hatched = this.#at(element("div", "unheard"), stretch);
      hatched.title = `not heard: ${times(stretch)}`;
      inner.append(hatched);
    }
    for (const mark of marks) inner.append(this.#block(name, "person", mark));
    if (!marks.length) body.append(element("span", "lane-empty", "heard nothing wrong"));
    return [said, body];
  }

  #consensus({ regions, certainty, posterior, frame }) {
    const said = element("div", "timeline-name consensus");
    said.append(element("strong", "", "Consensus"), element("span", "muted", `${certainty.toFixed(2)} certain`));
    const what = regions.map((one) => `${times(one)}, probability ${one[2].toFixed(2)}`).join("; ") || "nothing agreed on";
    const [body, inner] = this.#body(`Consensus: ${what}`, "consensus");
    const drawing = document.createElementNS(SVG, "svg");
    drawing.setAttribute("viewBox", `0 0 ${this.duration} 1`);
    drawing.setAttribute("preserveAspectRatio", "none");
    drawing.setAttribute("aria-hidden", "true");
    const curve = document.createElementNS(SVG, "polygon");
    const points = posterior.flatMap((p, n) => [`${(n * frame).toFixed(3)},${1 - p}`, `${Math.min(this.duration, (n + 1) * frame).toFixed(3)},${1 - p}`]);
    curve.setAttribute("points", [`0,1`, ...points, `${this.duration},1`].join(" "));
    const half = document.createElementNS(SVG, "line");
    for (const [name, value] of Object.entries({ x1: 0, x2: this.duration, y1: 0.5, y2: 0.5, "vector-effect": "non-scaling-stroke" })) half.setAttribute(name, value);
    drawing.append(curve, half);
    inner.append(drawing);
    for (const region of regions) {
      const block = this.#block("Consensus", "consensus", region);
      block.title += `, probability ${region[2].toFixed(2)}`;
      block.setAttribute("aria-label", `Consensus, ${times(region)}, probability ${region[2].toFixed(2)}: play`);
      block.append(element("span", "probability", `${Math.round(region[2] * 100)} %`));
      inner.append(block);
    }
    if (!regions.length) body.append(element("span", "lane-empty", "nothing agreed on"));
    return [said, body];
  }

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

  #block(name, kind, stretch) {
    const block = button("", () => this.act.play(stretch[0], stretch[1]));
    block.className = `block ${kind}`;
    block.title = times(stretch);
    block.setAttribute("aria-label", `${name}, ${times(stretch)}: play`);
    return this.#at(block, stretch);
  }

  #at(made, [start, end]) {
    made.style.left = `${(100 * start) / this.duration}%`;
    made.style.width = `${(100 * (end - start)) / this.duration}%`;
    return made;
  }
}

/** How well people agree, in words and figures: {words, frame_f1, alpha, n_people}, figures null where there is nothing to compare. */
export function showAgreement(badge, { words, frame_f1: f1, alpha, n_people: people }) {
  const figures = [["F1", f1], ["alpha", alpha]].filter(([, value]) => value !== null).map(([name, value]) => `${name} ${value.toFixed(2)}`);
  badge.hidden = people === 0;
  badge.textContent = [words, ...figures].join(" · ");
  badge.className = `badge ${f1 === null || f1 < 0.3 ? "bad" : f1 < 0.7 ? "warn" : "good"}`;
}

/** What happened to a task, newest first: [{when, who, words, note, before, after}], before and after in clip seconds or null. */
export function showPast(list, past, duration) {
  const rows = past.map(({ when, who, words, note, before, after }) => {
    const row = element("li", "");
    const time = element("time", "muted", new Date(when).toLocaleString([], { dateStyle: "medium", timeStyle: "short" }));
    time.dateTime = when;
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

function small(name, kind, stretches, duration) {
  const lane = element("div", "lane");
  const drawing = document.createElementNS(SVG, "svg");
  drawing.setAttribute("viewBox", `0 0 ${duration} 1`);
  drawing.setAttribute("preserveAspectRatio", "none");
  drawing.setAttribute("role", "img");
  drawing.setAttribute("aria-label", `${name}: ${stretches.map(times).join(", ") || "no region"}`);
  for (const [start, end] of stretches) {
    const rect = document.createElementNS(SVG, "rect");
    for (const [key, value] of Object.entries({ x: start, y: 0.1, width: end - start, height: 0.8, class: kind })) rect.setAttribute(key, value);
    drawing.append(rect);
  }
  lane.append(drawing);
  if (!stretches.length) lane.append(element("span", "lane-empty", "no region"));
  return [element("span", "lane-name", name), lane];
}
