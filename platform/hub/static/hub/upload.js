// @ts-check
// Files of songs, sent piece by piece (tus 1.0.0): after a lost network they go on by themselves, after a closed page by choosing them again.
(() => {
  const drop = document.getElementById("drop");
  const list = document.getElementById("files");
  const state = document.getElementById("upload-state");
  const takeIn = document.getElementById("take-in");
  if (!drop || !list || !state || !(takeIn instanceof HTMLButtonElement)) return;

  const PIECE = 1_900_000; // bytes; a request may carry 2 MB
  const AT_ONCE = 2;
  const LONGEST_WAIT = 30; // seconds between two tries
  const to = drop.dataset.uploadTo ?? "";
  const endings = (drop.dataset.endings ?? "").split(",");

  /** @type {{ file: File, path: string }[]} */
  const waiting = [];
  let underWay = 0;

  /** @param {number} seconds */
  const pause = (seconds) => new Promise((resolve) => setTimeout(resolve, seconds * 1000));

  function token() {
    const name = `${document.body.dataset.csrfCookie}=`;
    return document.cookie.split("; ").find((part) => part.startsWith(name))?.slice(name.length) ?? "";
  }

  /** The server said no, in words. */
  class Refused extends Error {}

  /** @param {string} method  @param {string} url  @param {Record<string, string>} headers  @param {Blob} [body] */
  async function ask(method, url, headers, body) {
    const response = await fetch(url, { method, headers: { "Tus-Resumable": "1.0.0", "X-CSRFToken": token(), ...headers }, body });
    if (response.redirected) throw new Refused("you are signed out: sign in, and choose the files again");
    const again = [408, 409, 423, 429].includes(response.status) || response.status >= 500;
    if (response.ok) return response;
    const why = method === "HEAD" ? "" : await response.text();
    if (again && response.status !== 507) throw new Error(why);
    throw new Refused(response.headers.get("Content-Type")?.startsWith("text/plain") ? why : `the server refused it (status ${response.status})`);
  }

  /** The row of a file in the list. @param {string} path */
  function row(path) {
    const known = [...(list?.children ?? [])].find((one) => one instanceof HTMLElement && one.dataset.path === path);
    if (known instanceof HTMLElement) return known;
    const made = document.createElement("li");
    made.dataset.path = path;
    const name = Object.assign(document.createElement("span"), { className: "upload-name", textContent: path });
    const bar = Object.assign(document.createElement("progress"), { max: 100, value: 0 });
    bar.setAttribute("aria-label", path);
    made.append(name, " ", bar, " ", Object.assign(document.createElement("span"), { className: "upload-said muted", textContent: "waiting" }));
    list?.append(made);
    return made;
  }

  /** @param {string} path  @param {number} share  @param {string} said */
  function show(path, share, said) {
    const shown = row(path);
    const bar = shown.querySelector("progress");
    const text = shown.querySelector(".upload-said");
    if (bar) bar.value = 100 * share;
    if (text) text.textContent = said;
  }

  /** @param {File} file  @param {string} path */
  async function send(file, path) {
    const bytes = new TextEncoder().encode(path);
    const headers = { "Upload-Length": String(file.size), "Upload-Metadata": `path ${btoa(String.fromCharCode(...bytes))}` };
    let url = "";
    let offset = 0;
    let failed = 0;
    for (;;) {
      try {
        if (!url) {
          const made = await ask("POST", to, headers);
          url = made.headers.get("Location") ?? "";
          offset = Number(made.headers.get("Upload-Offset"));
        } else if (failed) {
          offset = Number((await ask("HEAD", url, {})).headers.get("Upload-Offset"));
        }
        while (offset < file.size) {
          show(path, offset / file.size, `${Math.floor((100 * offset) / file.size)} %`);
          const piece = file.slice(offset, offset + PIECE);
          const kind = { "Content-Type": "application/offset+octet-stream", "Upload-Offset": String(offset) };
          offset = Number((await ask("PATCH", url, kind, piece)).headers.get("Upload-Offset"));
          failed = 0;
        }
        show(path, 1, "here");
        return;
      } catch (error) {
        if (error instanceof Refused) {
          show(path, 0, `not taken: ${error.message}`);
          row(path).classList.add("refused");
          return;
        }
        failed += 1;
        const seconds = Math.min(LONGEST_WAIT, 2 ** (failed - 1));
        show(path, offset / file.size, `the server does not answer; next try in ${seconds} s`);
        await pause(seconds);
      }
    }
  }

  function say() {
    const rows = [...(list?.children ?? [])];
    const here = rows.filter((one) => one.querySelector(".upload-said")?.textContent === "here").length;
    const refused = rows.filter((one) => one.classList.contains("refused")).length;
    const left = underWay + waiting.length;
    if (state) state.textContent = left ? `${here} of ${rows.length - refused} files are here.` : rows.length ? `${here} ${here === 1 ? "file is" : "files are"} here${refused ? `, ${refused} not taken` : ""}.` : "";
    if (takeIn instanceof HTMLButtonElement) takeIn.disabled = left > 0;
  }

  async function next() {
    while (underWay < AT_ONCE && waiting.length) {
      const one = waiting.shift();
      if (!one) break;
      underWay += 1;
      void send(one.file, one.path).finally(() => {
        underWay -= 1;
        say();
        void next();
      });
    }
    say();
  }

  /** @param {File} file  @param {string} path */
  function take(file, path) {
    const hidden = path.split("/").some((name) => name.startsWith(".") || name === "__MACOSX");
    if (hidden || !endings.some((ending) => path.toLowerCase().endsWith(ending))) return; // a folder holds covers and texts too
    row(path);
    waiting.push({ file, path });
  }

  /** @param {FileSystemEntry} entry  @param {string} above */
  async function walk(entry, above) {
    const path = above ? `${above}/${entry.name}` : entry.name;
    if (entry.isFile) {
      take(await new Promise((resolve, reject) => /** @type {FileSystemFileEntry} */ (entry).file(resolve, reject)), path);
      return;
    }
    const reader = /** @type {FileSystemDirectoryEntry} */ (entry).createReader();
    for (;;) {
      /** @type {FileSystemEntry[]} */
      const some = await new Promise((resolve, reject) => reader.readEntries(resolve, reject));
      if (!some.length) return; // a browser gives a hundred at a time
      for (const one of some) await walk(one, path);
    }
  }

  for (const id of ["choose-files", "choose-folder"]) {
    const field = document.getElementById(id);
    if (!(field instanceof HTMLInputElement)) continue;
    const chosen = () => {
      for (const file of field.files ?? []) take(file, file.webkitRelativePath || file.name);
      field.value = "";
      void next();
    };
    field.addEventListener("change", chosen);
    chosen(); // what was chosen while this script was still on its way
  }
  document.addEventListener("dragover", (event) => { event.preventDefault(); drop.classList.add("over"); });
  document.addEventListener("dragleave", () => drop.classList.remove("over"));
  document.addEventListener("drop", async (event) => {
    event.preventDefault();
    drop.classList.remove("over");
    const entries = [...(event.dataTransfer?.items ?? [])].map((item) => item.webkitGetAsEntry());
    for (const entry of entries) if (entry) await walk(entry, "");
    await next();
  });
  window.addEventListener("beforeunload", (event) => { if (underWay + waiting.length) event.preventDefault(); });
  say();
})();
