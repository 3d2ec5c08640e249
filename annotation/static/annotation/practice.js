// A practice clip: vocals or mix at the same moment, and marks made while listening. Without this script the table alone will do.
(() => {
  const player = document.getElementById("player");
  const rows = document.getElementById("marks");
  const length = Number(document.getElementById("practice").dataset.length);
  const button = document.getElementById("mark");
  const label = document.getElementById("mark-label");
  const listen = document.getElementById("listen");
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

  function mark() {
    if (began === null) {
      began = player.currentTime;
      label.textContent = "Mark to here";
      return;
    }
    const end = Math.min(player.currentTime, length);
    if (end > began) add(began, end);
    began = null;
    label.textContent = "Mark from here";
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
  player.addEventListener("ended", () => { if (began !== null) mark(); });
  listen.addEventListener("change", (event) => hear(event.target.value));
  for (const row of rows.children) if (fields(row)[0].value) equip(row);

  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.target.matches("input:not([type=radio]), textarea, button, a")) return;
    const does = { m: mark, v: () => hear("vocals"), x: () => hear("mix") }[event.key.toLowerCase()];
    if (does) does();
    else if (event.key === " " && event.target !== player) player.paused ? player.play() : player.pause();
    else return;
    event.preventDefault();
  });
})();
