// @ts-check
// Buttons with data-copy="#field" put the field's value on the clipboard and say so.
document.addEventListener("click", async ({ target }) => {
  const button = target instanceof Element ? target.closest("[data-copy]") : null;
  if (!(button instanceof HTMLElement)) return;
  const field = document.querySelector(button.dataset.copy ?? "");
  if (!(field instanceof HTMLInputElement)) return;
  const label = button.textContent;
  try {
    await navigator.clipboard.writeText(field.value);
  } catch {
    field.select(); // over plain http browsers give no clipboard: it is one key away then
    button.textContent = "Press Ctrl+C";
    return;
  }
  button.textContent = "Copied";
  setTimeout(() => { button.textContent = label; }, 2000);
});
