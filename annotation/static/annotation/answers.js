// Tasks in, answers out. An answer is kept in this browser before it is sent, and sent again with the same key until the server
// confirms or refuses it.
import { Refused, SignedOut, call } from "./api.js";
import { hideNotice, signedOut, waitAfter } from "./messages.js";

const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

export class Answers {
  constructor(keep, campaign) {
    this.keep = keep;
    this.here = `/api/campaigns/${campaign}`;
    this.prefetches = true;
  }

  /** The next task as the server gives it, or null when nothing is left. Throws SignedOut or Refused. */
  async next() {
    for (let tries = 0; ; tries += 1) {
      try {
        return await call("POST", `${this.here}/next/`);
      } catch (error) {
        if (error instanceof SignedOut || error instanceof Refused) throw error;
        await waitAfter(tries, `${error.message} The next task cannot be fetched yet.`);
      }
    }
  }

  /** The tasks that come after the one in hand, like next() gives them; none where the server does not know of such. */
  async prefetch() {
    if (!this.prefetches) return [];
    try {
      const given = await call("POST", `${this.here}/prefetch/`);
      return Array.isArray(given) ? given : (given?.tasks ?? []);
    } catch (error) {
      if (error instanceof Refused) this.prefetches = false;
      return [];
    }
  }

  /** Send one answer until the server confirms or refuses it. Returns its status; throws Refused. */
  async deliver(task, body) {
    this.keep.keepAnswer(task, body); // from here on a reload sends it again with the same key
    for (let tries = 0; ; tries += 1) {
      try {
        const { status } = await call("PUT", `/api/tasks/${task}/submission/`, body);
        this.keep.dropAnswer(task);
        this.keep.dropDraft(task);
        this.keep.dropHeard(task);
        hideNotice();
        return status;
      } catch (error) {
        if (error instanceof Refused) {
          this.keep.dropAnswer(task);
          this.keep.keepDraft(task, body.result, false);
          throw error;
        }
        if (error instanceof SignedOut) {
          signedOut();
          await pause(5000);
        } else await waitAfter(tries, `${error.message} Your answer is kept in this browser.`);
      }
    }
  }

  /** Answers that an earlier visit could not bring to the server. Returns how many arrived. */
  async deliverKept() {
    let arrived = 0;
    for (const [task, body] of this.keep.answers()) {
      try {
        await this.deliver(task, body);
        arrived += 1;
      } catch (error) {
        if (!(error instanceof Refused)) throw error; // refused, it is a draft again
      }
    }
    return arrived;
  }

  /** Give a task back. Throws SignedOut. */
  async skip(task, reason) {
    for (let tries = 0; ; tries += 1) {
      try {
        await call("POST", `/api/tasks/${task}/skip/`, { reason });
        break;
      } catch (error) {
        if (error instanceof SignedOut) throw error;
        if (error instanceof Refused) break; // no longer ours: the next one, then
        await waitAfter(tries, error.message);
      }
    }
    this.keep.dropDraft(task);
    this.keep.dropHeard(task);
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
