// @ts-check
// Requests to our own server, and its refusals in words.
import { csrfCookie } from "./site.js";
import { gettext } from "./words.js";

/** The server understood and said no; `detail` is a sentence for the person, `body` the whole answer. */
export class Refused extends Error {
  /** @param {number} status  @param {RefusalBody | null} body */
  constructor(status, body) {
    super(body?.detail ?? gettext("The server refused this (status %(status)s).", { status }));
    this.status = status;
    /** @type {RefusalBody} */
    this.body = body ?? {};
  }
}

/** No answer, or one that is not about the request: worth trying again. `status` is the answer's, where there was one. */
export class Unreachable extends Error {
  /** @param {string} message  @param {{ status?: number, cause?: unknown }} options */
  constructor(message, { status, ...options } = {}) {
    super(message, options);
    this.status = status;
  }
}

/** Nobody is signed in any more. */
export class SignedOut extends Error {}

function token() {
  const name = `${csrfCookie}=`;
  const cookie = document.cookie.split("; ").find((part) => part.startsWith(name));
  const field = /** @type {HTMLInputElement | null} */ (document.querySelector("[name=csrfmiddlewaretoken]"));
  return cookie ? cookie.slice(name.length) : (field?.value ?? "");
}

/**
 * Send JSON, return the answer's JSON or null for an empty one. Throws Refused, Unreachable or SignedOut.
 * @param {string} method
 * @param {string} url
 * @param {object} [body]
 * @param {{ keepalive?: boolean, timeout?: number }} options
 * @returns {Promise<any>}
 */
export async function call(method, url, body, { keepalive = false, timeout = 20000 } = {}) {
  let response;
  try {
    response = await fetch(url, {
      method,
      keepalive,
      credentials: "same-origin",
      headers: { "Content-Type": "application/json", "X-CSRFToken": token(), Accept: "application/json" },
      body: body === undefined ? undefined : JSON.stringify(body),
      signal: keepalive ? undefined : AbortSignal.timeout(timeout),
    });
    if (response.status === 204) return null;
    const isJson = response.headers.get("Content-Type")?.includes("json");
    if (response.redirected && !isJson) throw new SignedOut(gettext("You are signed out."));
    const answer = isJson ? await response.json() : null;
    if (response.ok && isJson) return answer;
    // Session authentication says 403 to strangers too, and a sign-in elsewhere changes the CSRF token.
    const stranger = response.status === 403 && (answer?.error === "SignedOut" || /CSRF/i.test(answer?.detail ?? "CSRF"));
    if (response.status === 401 || stranger) throw new SignedOut(gettext("You are signed out."));
    if (response.status >= 400 && response.status < 500 && ![408, 425, 429].includes(response.status)) throw new Refused(response.status, answer);
    throw new Unreachable(answer?.detail ?? gettext("The server answered with status %(status)s.", { status: response.status }), { status: response.status });
  } catch (error) {
    if (error instanceof Refused || error instanceof SignedOut || error instanceof Unreachable) throw error;
    throw new Unreachable(navigator.onLine ? gettext("The server does not answer.") : gettext("There is no network connection."), { cause: error });
  }
}
