// @ts-check
// The key "/" leads to the search of the campaign, unless somebody writes.
document.addEventListener("keydown", (event) => {
  const on = event.target;
  if (event.key !== "/" || event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
  if (on instanceof HTMLElement && (on.isContentEditable || on.matches("input:not([type=checkbox]):not([type=radio]), select, textarea"))) return;
  if (document.querySelector("dialog[open]")) return;
  const field = document.getElementById("search-all");
  if (!(field instanceof HTMLInputElement)) return;
  event.preventDefault();
  field.focus();
  field.select();
});
