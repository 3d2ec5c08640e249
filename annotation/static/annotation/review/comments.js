// @ts-check
// What those who review write on a clip: to each other, to somebody who answered it, or in a thread that there is.
import { uuid } from "../annotate/answers.js";
import { call } from "../shared/api.js";
import { $, element } from "../shared/elements.js";
import { when as written } from "../shared/when.js";

const AMONG = "";

export class Comments {
  /** @type {Thread[]} */
  #threads = [];
  #key = uuid(); // sent again with the same text after a lost answer
  #people = ""; // those offered, as text

  /** @param {string} url of the clip's comments */
  constructor(url) {
    this.url = url;
    $("comment-form").addEventListener("submit", (event) => {
      event.preventDefault();
      void this.#send();
    });
    $("comment-text").addEventListener("input", () => (this.#key = uuid()));
    $("comment-text").addEventListener("keydown", (event) => {
      if (event.key !== "Enter" || !(event.ctrlKey || event.metaKey)) return;
      event.preventDefault();
      event.stopPropagation(); // which accepts the decision
      void this.#send();
    });
  }

  write() {
    $("comment-text").focus();
  }

  /** Fetch what was written. @param {number[]} people  numbers of whom one may write to */
  async refresh(people) {
    this.#people = people.join();
    const threads = await call("GET", this.url).catch(() => null); // the next message asks again
    if (threads) this.#show(threads);
  }

  async #send() {
    const text = $("comment-text").value.trim();
    if (!text) return $("comment-text").focus();
    const [kind, number] = $("comment-to").value.split(" ");
    const thread = this.#threads.find(({ id }) => kind === "thread" && id === Number(number));
    const where = thread ? { thread: thread.id, seen: thread.messages.length - 1 } : kind === "person" ? { person: Number(number) } : {};
    $("comment-send").disabled = true;
    try {
      this.#show(await call("POST", this.url, { text, client_key: this.#key, ...where }));
      $("comment-text").value = $("comment-said").textContent = "";
      this.#key = uuid();
    } catch (error) {
      if (!(error instanceof Error)) throw error;
      $("comment-said").textContent = `It was not sent: ${error.message}`;
      void this.refresh(this.#people ? this.#people.split(",").map(Number) : []);
    } finally {
      $("comment-send").disabled = false;
    }
  }

  /** @param {Thread[]} threads */
  #show(threads) {
    this.#threads = threads;
    $("comments").replaceChildren(...threads.map(shown));
    const wanted = $("comment-to").value;
    const people = this.#people ? this.#people.split(",") : [];
    $("comment-to").replaceChildren(
      option(AMONG, "those who review"),
      ...people.map((number) => option(`person ${number}`, `Person ${number}, on their own page`)),
      ...threads.map(({ id, messages }) => option(`thread ${id}`, `the thread “${messages[0].text.slice(0, 30)}”`)),
    );
    $("comment-to").value = wanted;
    if ($("comment-to").selectedIndex < 0) $("comment-to").value = AMONG;
  }
}

/** @param {string} value  @param {string} text */
function option(value, text) {
  const made = document.createElement("option");
  made.value = value;
  made.textContent = text;
  return made;
}

/** @param {Thread} thread */
function shown({ person, waits, messages }) {
  const item = element("li");
  item.append(element("span", "muted", person ? `With ${person}${waits ? ", who waits for a reply" : ""}` : "Among those who review"));
  for (const { who, text, when } of messages) {
    const said = element("p", "as-written");
    const time = element("time", "muted", written(when));
    time.setAttribute("datetime", when);
    said.append(element("strong", "", who), " ", time, `\n${text}`);
    item.append(said);
  }
  return item;
}
