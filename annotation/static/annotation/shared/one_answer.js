// @ts-check
// The page of one answer: its sounds in step, and the wish to hear what its marks change.
import { InStep } from "./in_step.js";
import { saidOf, wish } from "./wish.js";

const sounds = /** @type {HTMLElement | null} */ (document.querySelector("[data-in-step]"));
if (sounds) new InStep(sounds, new AudioContext());

const effect = /** @type {HTMLElement | null} */ (document.querySelector("[data-effect]"));
effect?.querySelector("[data-wish]")?.addEventListener("click", ({ currentTarget }) => {
  const button = /** @type {HTMLButtonElement} */ (currentTarget);
  const said = /** @type {HTMLElement} */ (effect.querySelector("[data-wish-said]"));
  button.disabled = true;
  void wish(Number(effect.dataset.effect), ({ state }) => {
    said.textContent = saidOf(state);
    button.disabled = !["busy", "failed"].includes(state);
    if (state === "made") location.reload();
  });
});
