// @ts-check
// What to mark, with examples to hear, over the clip: whichever sounds, the other is silent.
import { $ } from "../shared/elements.js";

export class Examples {
  /** @param {{ pause: () => void }} player */
  constructor(player) {
    $("examples-open").addEventListener("click", () => this.open());
    $("examples").addEventListener(
      "play",
      ({ target }) => {
        player.pause();
        for (const other of this.#sounds()) if (other !== target) other.pause();
      },
      { capture: true },
    );
    $("examples").addEventListener("close", () => this.#sounds().forEach((sound) => sound.pause()));
  }

  open() {
    $("examples").showModal();
  }

  #sounds() {
    return [...$("examples").querySelectorAll("audio")];
  }
}
