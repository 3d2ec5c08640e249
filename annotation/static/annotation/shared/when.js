// @ts-check
// Dates and times as all pages have them (the template filter `when`): "29 Nov 2026, 08:09 UTC".

/** @param {string} iso */
export function when(iso) {
  const at = new Date(iso);
  const month = at.toLocaleString(document.documentElement?.lang || "en", { month: "short", timeZone: "UTC" });
  return `${at.getUTCDate()} ${month} ${at.getUTCFullYear()}, ${at.toISOString().slice(11, 16)} UTC`;
}
