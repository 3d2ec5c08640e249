// @ts-check
// A clip with its sounds: where it is, on its picture; a click on the picture goes there, one on a mark plays that mark.

for (const section of document.querySelectorAll("[data-clip]")) {
  const length = Number(section.getAttribute("data-clip")); // seconds of the clip
  const sounds = [...section.querySelectorAll("audio")];
  const head = section.querySelector(".playhead");
  let last = sounds[0];
  let until = Infinity; // seconds of the clip
  if (!last) continue;

  /** @param {number} from  @param {number} [to]  seconds of the clip */
  const play = (from, to = Infinity) => {
    last.currentTime = Math.max(0, Math.min(length, from));
    until = to;
    void last.play();
  };

  const show = () => {
    const at = String(last.currentTime);
    head?.setAttribute("x1", at);
    head?.setAttribute("x2", at);
    if (last.paused) return;
    if (last.currentTime >= until) {
      until = Infinity;
      last.pause();
    }
    requestAnimationFrame(show);
  };

  for (const sound of sounds) {
    sound.addEventListener("play", () => {
      if (last !== sound) until = Infinity;
      last = sound;
      show();
    });
    sound.addEventListener("seeked", show);
  }
  document.addEventListener("click", ({ target, clientX }) => {
    if (!(target instanceof Element)) return;
    if (target instanceof HTMLElement && target.dataset.from) {
      const { from, to, start } = target.dataset;
      play(Number(from) - Number(start), Number(to) - Number(start));
      return;
    }
    if (!section.contains(target)) return;
    const over = target.closest("[data-over]");
    if (over) {
      const { left, width } = over.getBoundingClientRect();
      play(((clientX - left) / width) * length);
    } else if (target.matches("rect")) {
      const from = Number(target.getAttribute("x"));
      play(from, from + Number(target.getAttribute("width")));
    }
  });
}
