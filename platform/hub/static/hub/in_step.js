// @ts-check
// Sounds of one clip in step: where one is started while another plays, it goes on from there, and the other stops.

document.addEventListener(
  "play",
  ({ target }) => {
    if (!(target instanceof HTMLAudioElement)) return;
    const others = target.closest("[data-in-step]")?.querySelectorAll("audio") ?? [];
    for (const other of others) {
      if (other === target || other.paused) continue;
      target.currentTime = other.currentTime;
      other.pause();
    }
  },
  true,
);
