// A practice clip: vocals or mix at the same moment, and marks made while listening. Without this script the table alone will do.
(() => {
  const player = document.getElementById("player");
  const rows = document.getElementById("marks");
  const length = Number(document.getElementById("practice").dataset.length);
  const button = document.getElementById("mark");
  const label = document.getElementById("mark-label");
  const listen = document.getElementById("listen");
  const said = document.getElementById("half-made");
  let began = null;

  document.getElementById("feedback")?.focus();
  button.hidden = listen.hidden = false;

  function fields(row) {
    return [...row.querySelectorAll("input")];
  }

  function add(start, end) {
    let row = [...rows.children].find((one) => fields(one).every((field) => !field.value));
    if (!row) {
      row = rows.firstElementChild.cloneNode(true);
      for (const [n, field] of fields(row).entries()) {
        field.setAttribute("aria-label", `${n ? "End" : "Start"} of mark ${rows.children.length + 1}, seconds`);
      }
      rows.append(row);
      row.lastElementChild.replaceChildren();
    }
    const [first, last] = fields(row);
    first.value = start.toFixed(2);
    last.value = end.toFixed(2);
    equip(row);
  }

  function equip(row) {
    const actions = row.lastElementChild;
    if (actions.childElementCount) return;
    const play = document.createElement("button");
    const remove = document.createElement("button");
    play.type = remove.type = "button";
    play.textContent = "Play";
    remove.textContent = "Delete";
    play.addEventListener("click", () => {
      player.currentTime = Number(fields(row)[0].value) || 0;
      player.play();
    });
    remove.addEventListener("click", () => {
      for (const field of fields(row)) field.value = "";
      actions.replaceChildren();
    });
    actions.append(play, " ", remove);
  }

  /** Where the clip was when somebody pressed, also if the page came round to it later. */
  function where({ timeStamp }) {
    const late = player.paused ? 0 : (performance.now() - timeStamp) / 1000;
    return Math.max(0, Math.min(player.currentTime - late * player.playbackRate, length));
  }

  function begin(at) {
    began = at;
    label.textContent = at === null ? "Mark from here" : "Mark to here";
    said.textContent = "";
  }

  function mark(event) {
    if (began === null) return begin(where(event));
    const [start, end] = [began, where(event)].sort((a, b) => a - b);
    if (end > start) add(start, end);
    begin(null);
  }

  function hear(which) {
    const at = player.currentTime;
    const playing = !player.paused;
    player.src = player.dataset[which];
    player.currentTime = at;
    if (playing) player.play();
    listen.querySelector(`[value=${which}]`).checked = true;
  }

  button.addEventListener("click", mark);
  player.addEventListener("ended", () => {
    if (began === null) return;
    add(began, length);
    begin(null);
  });
  document.getElementById("answer").addEventListener("submit", (event) => {
    if (began === null) return;
    event.preventDefault();
    player.pause();
    said.textContent = `You have begun a mark at ${began.toFixed(2)} s and not ended it. Press M where it ends, or Escape to leave it out; then send.`;
    button.focus();
  });
  window.addEventListener("beforeunload", (event) => began !== null && event.preventDefault());
  listen.addEventListener("change", (event) => hear(event.target.value));
  for (const row of rows.children) if (fields(row)[0].value) equip(row);

  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape") return begin(null);
    if (event.ctrlKey || event.metaKey || event.altKey || event.target.matches("input:not([type=radio]), textarea, a")) return;
    if (event.target.matches("button") && [" ", "Enter"].includes(event.key)) return; // presses it
    const does = { m: () => event.repeat || mark(event), v: () => hear("vocals"), x: () => hear("mix") }[event.key.toLowerCase()];
    if (does) does();
    else if (event.key === " " && event.target !== player) player.paused ? player.play() : player.pause();
    else return;
    event.preventDefault();
  });
})();
