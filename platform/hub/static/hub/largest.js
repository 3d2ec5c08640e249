// @ts-check
// Inputs of files with data-largest="bytes" refuse more than that together, before anything is sent.
document.addEventListener("change", ({ target }) => {
  if (!(target instanceof HTMLInputElement) || !target.dataset.largest) return;
  const most = Number(target.dataset.largest);
  const bytes = [...(target.files ?? [])].reduce((sum, file) => sum + file.size, 0);
  const mb = (/** @type {number} */ n) => `${Math.ceil(n / 1e6)} MB`;
  target.setCustomValidity(bytes > most ? `These files have ${mb(bytes)} together; at most ${mb(most)} are taken at once. Bring them in parts.` : "");
  target.reportValidity();
});
