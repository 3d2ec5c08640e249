// @ts-check
// The preview in the form of a campaign: the annotate page in a frame, asked for anew when one of its rules changes.
(() => {
  const FIELDS = ["name", "stem", "instructions", "tags", "collects_missing"];
  const SETTLE = 600; // ms after the last key

  const box = /** @type {HTMLDetailsElement | null} */ (document.getElementById("preview"));
  const frame = /** @type {HTMLIFrameElement | null} */ (document.getElementById("preview-frame"));
  const form = /** @type {HTMLFormElement | null} */ (document.getElementById("rules"));
  if (!box || !frame || !form) return;
  let shown = "";
  let pause = 0; // a timer

  function address() {
    const asked = new URLSearchParams({ for: box?.dataset.for ?? "" });
    for (const name of FIELDS) {
      const field = form?.elements.namedItem(name);
      if (field instanceof HTMLInputElement && field.type === "checkbox") {
        if (field.checked) asked.set(name, "on");
      } else if (field instanceof HTMLInputElement || field instanceof HTMLTextAreaElement || field instanceof HTMLSelectElement) {
        asked.set(name, field.value);
      }
    }
    return `${box?.dataset.preview}?${asked}`;
  }

  function show() {
    if (!box?.open || !frame || shown === address()) return;
    shown = address();
    frame.hidden = false;
    // Put in its place, not gone to: the browser's way back leads out of the form, and not through its previews.
    if (frame.src) frame.contentWindow?.location.replace(shown);
    else frame.src = shown;
  }

  box.addEventListener("toggle", show);
  form.addEventListener("input", () => {
    clearTimeout(pause);
    pause = setTimeout(show, SETTLE);
  });
})();
