// @ts-check
// Buttons that play a stretch of the page's one clip.
import { $ } from "./elements.js";

const sound = $("heard-again");
let until = Infinity; // seconds

document.addEventListener("click", ({ target }) => {
  const pressed = target instanceof Element && target.closest("button[data-from]");
  if (!(pressed instanceof HTMLButtonElement)) return;
  until = Number(pressed.dataset.to);
  sound.currentTime = Number(pressed.dataset.from);
  sound.play().catch(() => {}); // the player itself shows what it cannot play
});

sound.addEventListener("timeupdate", () => {
  if (sound.currentTime < until) return;
  sound.pause();
  until = Infinity;
});

// Whoever looks for another place by hand goes on from there.
sound.addEventListener("seeking", () => {
  if (sound.currentTime > until) until = Infinity;
});
