// @ts-check
// The lanes of a clip with its sound: a line says what plays; a click in a lane plays from there.
// In a template: <div data-heard><audio …></audio>{% include "annotation/parts/answer_lanes.html" %}</div>
(() => {
  const BEFORE = 0.5; // seconds that are heard before a place that was clicked

  /** @param {HTMLElement} heard */
  function bind(heard) {
    const sound = heard.querySelector("audio");
    /** @type {NodeListOf<SVGSVGElement>} */
    const lanes = heard.querySelectorAll(".lane svg");
    if (!sound || !lanes.length) return;
    const seconds = lanes[0].viewBox.baseVal.width;
    const lines = [...lanes].map((lane) => {
      const line = document.createElementNS("http://www.w3.org/2000/svg", "line");
      line.setAttribute("class", "playhead");
      line.setAttribute("y1", "0");
      line.setAttribute("y2", "1");
      line.setAttribute("vector-effect", "non-scaling-stroke");
      lane.append(line);
      lane.addEventListener("click", (event) => {
        const { left, width } = lane.getBoundingClientRect();
        sound.currentTime = Math.max(0, ((event.clientX - left) / width) * seconds - BEFORE);
        void sound.play();
      });
      return line;
    });

    function follow() {
      for (const line of lines) {
        for (const end of ["x1", "x2"]) line.setAttribute(end, String(sound?.currentTime ?? 0));
      }
      if (sound && !sound.paused) requestAnimationFrame(follow);
    }

    sound.addEventListener("play", () => {
      for (const other of document.querySelectorAll("audio")) if (other !== sound) other.pause();
      follow();
    });
    sound.addEventListener("seeked", follow);
    heard.dataset.bound = "yes";
  }

  function bindAll() {
    /** @type {NodeListOf<HTMLElement>} */
    const found = document.querySelectorAll("[data-heard]:not([data-bound])");
    found.forEach(bind);
  }

  // A part of the page that is fetched anew does not cut off what somebody hears: it comes again with the next change.
  document.addEventListener("htmx:beforeSwap", (event) => {
    const target = /** @type {CustomEvent} */ (event).detail.target;
    const plays = [...target.querySelectorAll("audio")].some((sound) => !sound.paused);
    if (plays) /** @type {CustomEvent} */ (event).detail.shouldSwap = false;
  });
  document.addEventListener("DOMContentLoaded", bindAll);
  document.addEventListener("htmx:afterSwap", bindAll);
})();
