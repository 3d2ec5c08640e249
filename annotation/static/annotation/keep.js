// What must outlive a lost connection, a closed tab or a crash, kept in this browser per membership.
//
// draft:<task>   {result, saved, at}   the marks as they are; saved says whether the server has them too
// heard:<task>   {stretches, at}       what was heard of it so far, so that a reload does not ask for it again
// answer:<task>  {body, at}            a submission that the server has not yet confirmed

const TWO_WEEKS = 14 * 24 * 3600 * 1000;

export class Keep {
  constructor(membership) {
    this.prefix = `unbleed:${membership}:`;
    this.memory = new Map(); // for browsers that refuse storage
    for (const name of this.#names()) {
      const entry = this.#read(name);
      if (!entry || Date.now() - entry.at > TWO_WEEKS) this.#remove(name);
    }
  }

  draft(task) {
    return this.#read(`draft:${task}`);
  }

  keepDraft(task, result, saved) {
    this.#write(`draft:${task}`, { result, saved, at: Date.now() });
  }

  dropDraft(task) {
    this.#remove(`draft:${task}`);
  }

  heard(task) {
    return this.#read(`heard:${task}`)?.stretches ?? {};
  }

  keepHeard(task, stretches) {
    this.#write(`heard:${task}`, { stretches, at: Date.now() });
  }

  dropHeard(task) {
    this.#remove(`heard:${task}`);
  }

  /** Unconfirmed answers, oldest first: [[task, body]]. */
  answers() {
    const names = this.#names().filter((name) => name.startsWith("answer:"));
    const entries = names.map((name) => [Number(name.slice("answer:".length)), this.#read(name)]);
    return entries.sort((a, b) => a[1].at - b[1].at).map(([task, entry]) => [task, entry.body]);
  }

  keepAnswer(task, body) {
    this.#write(`answer:${task}`, { body, at: Date.now() });
  }

  dropAnswer(task) {
    this.#remove(`answer:${task}`);
  }

  choice(name) {
    return this.#read(`choice:${name}`)?.value;
  }

  keepChoice(name, value) {
    this.#write(`choice:${name}`, { value, at: Date.now() });
  }

  #names() {
    try {
      return Object.keys(localStorage).filter((key) => key.startsWith(this.prefix)).map((key) => key.slice(this.prefix.length));
    } catch {
      return [...this.memory.keys()];
    }
  }

  #read(name) {
    try {
      return JSON.parse(localStorage.getItem(this.prefix + name));
    } catch {
      return this.memory.get(name) ?? null;
    }
  }

  #write(name, entry) {
    try {
      localStorage.setItem(this.prefix + name, JSON.stringify(entry));
    } catch {
      this.memory.set(name, entry);
    }
  }

  #remove(name) {
    this.memory.delete(name);
    try {
      localStorage.removeItem(this.prefix + name);
    } catch {
      // Nothing was stored there either.
    }
  }
}
