// The way back: to the answers and skips that were given before, the latest first.
import { call } from "./api.js";

export class Back {
  constructor(campaign) {
    this.url = `/api/campaigns/${campaign}/history/`;
  }

  /** What was given before `task`, or last of all: {task, what, age, may_change}; undefined: nothing. Throws as call() does. */
  async before(task = null) {
    const given = await call("GET", this.url);
    return given[given.findIndex((one) => one.task === task) + 1];
  }

  /** The task with its answer, to be changed; null where it was a skip, which is taken back: then it is the next task. */
  async open({ task, what }) {
    if (what === "skipped") return call("DELETE", `/api/tasks/${task}/skip/`);
    return call("GET", `/api/tasks/${task}/submission/`);
  }
}

/** What was heard of a task so far: in this browser, and when its answer was given. {stem: [[start, end], …]} */
export function heardBefore(keep, given) {
  const known = keep.heard(given.task.id);
  const played = Object.entries(given.answer?.played ?? {});
  return { ...known, ...Object.fromEntries(played.map(([stem, stretches]) => [stem, [...(known[stem] ?? []), ...stretches]])) };
}
