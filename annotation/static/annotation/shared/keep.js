// @ts-check
// What must outlive a lost connection, a closed tab or a crash, kept in this browser per membership.
//
// draft:<task>   {result, saved, at, base, sent}  the marks as they are; `saved`: the server has them too; `base` names the server's
//                draft that they go on from (null: none), `sent` what went there unconfirmed, as shapes
// other:<task>   {result, at}          marks that were not chosen where two places had changed them
// heard:<task>   {stretches, at}       what was heard of it so far, so that a reload does not ask for it again
// answer:<task>:<key>  {body, at}      a submission that the server has not yet confirmed
//
// Nothing that the server does not have is ever forgotten because of its age. Where the browser refuses to keep something (storage
// that is full or switched off), it is in memory only, and every keep…() says so by returning false.

import { root } from "./site.js";

const TWO_WEEKS = 14 * 24 * 3600 * 1000;

/** @template [Work=Result] what a draft is kept as */
export class Keep {
  /** @param {string | undefined} membership */
  constructor(membership) {
    this.prefix = `unbleed${root.slice(0, -1)}:${membership}:`; // another site may lie below another path of the host
    /** @type {Map<string, any>} what the browser refused */
    this.memory = new Map();
    for (const name of this.#names()) {
      const entry = this.#read(name);
      if (!entry || (this.#isSpare(name, entry) && Date.now() - entry.at > TWO_WEEKS)) this.#remove(name);
    }
  }

  /** @param {number | string} task  @returns {KeptDraft<Work> | null} */
  draft(task) {
    return this.#read(`draft:${task}`);
  }

  /**
   * Returns whether it would outlive this page.
   * @param {number | string} task
   * @param {Work} result
   * @param {boolean} saved
   * @param {DraftAbout} about
   */
  keepDraft(task, result, saved, about = {}) {
    return this.#write(`draft:${task}`, { result, saved, at: Date.now(), ...about });
  }

  /** @param {number | string} task */
  dropDraft(task) {
    this.#remove(`draft:${task}`);
  }

  /** @param {number} task  @returns {Work | null} */
  other(task) {
    return this.#read(`other:${task}`)?.result ?? null;
  }

  /** @param {number} task  @param {Work} result */
  keepOther(task, result) {
    return this.#write(`other:${task}`, { result, at: Date.now() });
  }

  /** @param {number} task */
  dropOther(task) {
    this.#remove(`other:${task}`);
  }

  /** @param {number} task  @returns {Record<string, Stretch[]>} */
  heard(task) {
    return this.#read(`heard:${task}`)?.stretches ?? {};
  }

  /** @param {number} task  @param {Record<string, Stretch[]>} stretches */
  keepHeard(task, stretches) {
    return this.#write(`heard:${task}`, { stretches, at: Date.now() });
  }

  /** @param {number} task */
  dropHeard(task) {
    this.#remove(`heard:${task}`);
  }

  /** Unconfirmed answers, oldest first. @returns {[task: number, body: AnswerBody][]} */
  answers() {
    const names = this.#names().filter((name) => name.startsWith("answer:"));
    /** @type {[number, { body: AnswerBody, at: number }][]} */
    const entries = names.map((name) => [Number(name.split(":")[1]), this.#read(name)]);
    return entries.sort((a, b) => a[1].at - b[1].at).map(([task, entry]) => [task, entry.body]);
  }

  /** Returns whether it would outlive this page. Two tabs may have one each to the same task. @param {number} task  @param {AnswerBody} body */
  keepAnswer(task, body) {
    return this.#write(`answer:${task}:${body.client_key}`, { body, at: Date.now() });
  }

  /** @param {number} task  @param {AnswerBody} body */
  dropAnswer(task, body) {
    this.#remove(`answer:${task}:${body.client_key}`);
    if (this.#read(`answer:${task}`)?.body.client_key === body.client_key) this.#remove(`answer:${task}`); // named so by earlier versions
  }

  /** Whether work that the server does not have would be lost with this page. */
  get wouldLose() {
    return [...this.memory].some(([name, entry]) => name.startsWith("answer:") || (name.startsWith("draft:") && !entry.saved));
  }

  /** @param {string} name  @returns {any} */
  choice(name) {
    return this.#read(`choice:${name}`)?.value;
  }

  /** @param {string} name  @param {unknown} value */
  keepChoice(name, value) {
    this.#write(`choice:${name}`, { value, at: Date.now() });
  }

  /** Whether something may be forgotten in the end: what the server has, and what was heard of clips of which nothing waits. @param {string} name  @param {any} entry */
  #isSpare(name, entry) {
    const [kind, task] = name.split(":");
    if (kind === "draft") return entry.saved;
    if (kind === "heard") return !this.answers().some(([one]) => String(one) === task) && (this.draft(task)?.saved ?? true);
    return false;
  }

  #names() {
    const names = new Set(this.memory.keys());
    try {
      for (const key of Object.keys(localStorage)) if (key.startsWith(this.prefix)) names.add(key.slice(this.prefix.length));
    } catch {
      // Then there are no others.
    }
    return [...names];
  }

  /** @param {string} name  @returns {any} */
  #read(name) {
    if (this.memory.has(name)) return this.memory.get(name); // newer than what the browser may have of it
    try {
      return JSON.parse(localStorage.getItem(this.prefix + name) ?? "null");
    } catch {
      return null;
    }
  }

  /** @param {string} name  @param {object} entry */
  #write(name, entry) {
    try {
      localStorage.setItem(this.prefix + name, JSON.stringify(entry));
      this.memory.delete(name);
      return true;
    } catch {
      this.memory.set(name, entry);
      return false;
    }
  }

  /** @param {string} name */
  #remove(name) {
    this.memory.delete(name);
    try {
      localStorage.removeItem(this.prefix + name);
    } catch {
      // Nothing was stored there either.
    }
  }
}
