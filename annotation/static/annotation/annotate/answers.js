// @ts-check
// Tasks in, answers out. An answer is kept in this browser before it is sent, and sent again with the same key until the server
// confirms or refuses it. While the network is gone, answers wait in order, and one can go on with what was fetched ahead.
import { Refused, SignedOut, Unreachable, call } from "../shared/api.js";
import { ago, ask, marks } from "../shared/ask.js";
import { hideNotice, notice, signedOut, waitAfter } from "../shared/messages.js";
import { root } from "../shared/site.js";
import { gettext, ngettext } from "../shared/words.js";

const pause = (/** @type {number} */ ms) => new Promise((resolve) => setTimeout(resolve, ms));

const NOT_KEPT = gettext("This browser could not keep your answer (its storage is full or refused): do not close this page.");

/** What keeps an answer from arriving for now, and is tried again; a refusal is thrown. @param {unknown} error */
function passing(error) {
  if (error instanceof Refused) throw error;
  return error instanceof Unreachable || error instanceof SignedOut ? error : new Unreachable(String(error), { cause: error });
}

export class Answers {
  #underWay = 0; // that are being sent
  /** @type {[task: number, body: AnswerBody][]} that could not be sent, oldest first */
  #waiting = [];
  /** @type {Promise<void> | null} for as long as some wait */
  #sending = null;
  #more = () => false; // whether there is work meanwhile

  /**
   * `waiting` is told how many answers wait for the network, and how many of them have now reached the server.
   * @param {import("../shared/keep.js").Keep} keep
   * @param {string | undefined} campaign
   * @param {(n: number, arrived: number) => void} waiting
   * @param {string} query which kind of task is asked for: "?question=quick"
   */
  constructor(keep, campaign, waiting = () => {}, query = "") {
    this.keep = keep;
    this.here = `${root}api/campaigns/${campaign}`;
    this.query = query;
    this.prefetches = true;
    this.waiting = waiting;
  }

  /**
   * The next task as the server gives it, or null when nothing is left. Where the server cannot be asked, or would still give the
   * one whose answer waits, it is what `instead` has, if anything. Throws SignedOut or Refused.
   * @param {() => Given | undefined} instead
   * @returns {Promise<Given | null>}
   */
  async next(instead = () => undefined) {
    for (let tries = 0; ; tries += 1) {
      const kept = this.#sending && instead();
      if (kept) return kept;
      if (this.#sending) await this.#sending;
      try {
        return await call("POST", `${this.here}/next/${this.query}`);
      } catch (error) {
        if (!(error instanceof Unreachable)) throw error;
        const given = instead();
        if (given) return given;
        await waitAfter(tries, `${error.message} ${gettext("The next task cannot be fetched yet.")}`);
      }
    }
  }

  /** The tasks that come after the one in hand, like next() gives them; null where the server cannot be asked. @returns {Promise<Given[] | null>} */
  async prefetch() {
    if (!this.prefetches) return [];
    if (this.#sending) return null; // one whose answer waits would be among them
    try {
      const given = await call("POST", `${this.here}/prefetch/${this.query}`);
      return Array.isArray(given) ? given : (given?.tasks ?? []);
    } catch (error) {
      if (error instanceof Refused) this.prefetches = false;
      return error instanceof Unreachable ? null : [];
    }
  }

  /** Whether an answer is on its way or waits for the network. */
  get unsent() {
    return this.#underWay > 0 || this.#waiting.length > 0;
  }

  /**
   * Send one answer until the server confirms or refuses it. Returns what it says; or {status: "waiting"} where the network is gone, or
   * the server can take nothing, and `goOn` says that there is other work meanwhile: then it is sent later. Throws Refused.
   * @param {number} task
   * @param {AnswerBody} body
   * @param {() => boolean} goOn
   * @returns {Promise<AnswerKept>}
   */
  async deliver(task, body, goOn = () => false) {
    const kept = this.keep.keepAnswer(task, body); // from here on a reload sends it again with the same key
    this.#underWay += 1;
    /** @type {Unreachable | SignedOut} */
    let stopped = new Unreachable(gettext("The server cannot be reached."));
    try {
      for (let tries = 0; !this.#sending; tries += 1) {
        try {
          const said = await this.#send(task, body);
          hideNotice();
          return said;
        } catch (error) {
          stopped = passing(error);
          if (stopped instanceof Unreachable && goOn()) break;
          await this.#after(tries, stopped, kept ? gettext("Your answer is kept in this browser.") : NOT_KEPT);
        }
      }
    } finally {
      this.#underWay -= 1;
    }
    this.#more = goOn;
    this.#waiting.push([task, body]);
    this.waiting(this.#waiting.length, 0);
    this.#sending ??= this.#sendWaiting(stopped);
    return { status: "waiting" };
  }

  /** @param {number} task  @param {AnswerBody} body */
  async #send(task, body) {
    try {
      const said = await this.#put(task, body);
      this.keep.dropAnswer(task, body);
      if (said.status === "left") return said; // its marks stay a draft
      this.keep.dropDraft(task);
      this.keep.dropOther(task);
      this.keep.dropHeard(task);
      return said;
    } catch (error) {
      if (error instanceof Refused) {
        this.keep.dropAnswer(task, body);
        this.keep.keepDraft(task, body.result, false, { revises: body.revises });
      }
      throw error;
    }
  }

  /** Another answer of the same person is replaced only if they say so. @param {number} task  @param {AnswerBody} body  @returns {Promise<AnswerKept>} */
  async #put(task, body) {
    try {
      return await call("PUT", `${root}api/tasks/${task}/submission/`, body);
    } catch (error) {
      if (!(error instanceof Refused && error.body.error === "AlreadyAnswered")) throw error;
      const { revision = 0, marks: n = 0, age = 0 } = error.body;
      const there = `${error.message} ${gettext("That answer has %(there)s and was given %(ago)s; this one has %(here)s.", { there: marks(n), ago: ago(age), here: marks(body.result.length) })}`;
      const chosen = await ask(gettext("This clip is answered already"), there, ["keep", gettext("Leave the answer as it is")], ["replace", gettext("Replace it with this one")]);
      if (chosen === "keep") {
        this.keep.keepDraft(task, body.result, false, { revises: body.revises });
        return { status: "left" };
      }
      body.revises = revision;
      this.keep.keepAnswer(task, body);
      return this.#put(task, body);
    }
  }

  /** In the order in which they were given: the server would give a task again whose answer it does not have. @param {Unreachable | SignedOut} stopped */
  async #sendWaiting(stopped) {
    let refused = "";
    let thanked = "";
    for (let tries = 0; this.#waiting.length; ) {
      const n = this.#waiting.length;
      let arrived = 1;
      try {
        if (!tries) throw stopped; // it has just been tried
        thanked = (await this.#send(...this.#waiting[0])).thanked ?? thanked;
      } catch (error) {
        if (!(error instanceof Refused)) {
          stopped = passing(error);
          const kept = ngettext("Your answer is kept in this browser", "Your %(n)s answers are kept in this browser", n);
          const said = this.keep.wouldLose ? NOT_KEPT.replace(/\.$/, "") : kept;
          await this.#after(tries, stopped, this.#more() ? gettext("%(kept)s; you can go on.", { kept: said }) : gettext("%(kept)s. You can go on when it is back.", { kept: said }));
          tries += 1;
          continue;
        }
        arrived = 0;
        refused = ` ${gettext("One was refused, and is a draft again:")} ${error.message}`;
      }
      this.#waiting.shift();
      this.waiting(this.#waiting.length, arrived);
    }
    this.#sending = null;
    const back = stopped instanceof Unreachable && stopped.status ? gettext("The server takes answers again") : gettext("The network is back");
    if (refused) notice("error", `${back}.${refused}`);
    else notice("success", `${gettext("%(back)s, and what waited has reached the server.", { back })} ${thanked}`.trim());
  }

  /** @param {number} tries  @param {Unreachable | SignedOut} error  @param {string} kept */
  async #after(tries, error, kept) {
    if (!(error instanceof SignedOut)) return waitAfter(tries, `${error.message} ${kept}`);
    signedOut(this.keep);
    await pause(5000);
  }

  /** Answers that an earlier visit could not bring to the server. Returns what it said of those that arrived. `goOn` as in `deliver`. */
  async deliverKept(goOn = () => false) {
    const arrived = [];
    for (const [task, body] of this.keep.answers()) {
      try {
        arrived.push(await this.deliver(task, body, goOn));
      } catch (error) {
        if (!(error instanceof Refused)) throw error; // refused, it is a draft again
      }
    }
    return arrived;
  }

  /**
   * Give a task back; its marks stay a draft. Returns whether it was ours to give. Throws SignedOut, and Refused where something comes first.
   * @param {number} task
   * @param {string} reason
   */
  async skip(task, reason) {
    for (let tries = 0; ; tries += 1) {
      try {
        await call("POST", `${root}api/tasks/${task}/skip/`, { reason });
        return true;
      } catch (error) {
        if (error instanceof Refused && !error.body.go) return false; // no longer ours: the next one, then
        if (!(error instanceof Unreachable)) throw error;
        await waitAfter(tries, error.message);
      }
    }
  }
}

/** A random (version 4) UUID; crypto.randomUUID exists only under https and on localhost. */
export function uuid() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[6] = (bytes[6] & 0x0f) | 0x40;
  bytes[8] = (bytes[8] & 0x3f) | 0x80;
  const hex = [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
}
