// @ts-check
// The box at the head of a table that chooses all rows of this page, or none.

{
  const all = /** @type {HTMLInputElement | null} */ (document.getElementById("choose-all"));
  if (all) {
    all.hidden = false;
    all.addEventListener("change", () => {
      for (const box of document.querySelectorAll("input[form=bulk][type=checkbox]")) /** @type {HTMLInputElement} */ (box).checked = all.checked;
    });
  }
}
