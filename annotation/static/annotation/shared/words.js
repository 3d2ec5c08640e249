// @ts-check
// What scripts say, in the page's language. Its texts come with the page: hub/languages says from where.

/** Text in English -> its translations, one for each plural form; empty in English. @type {Record<string, string[]>} */
const texts = JSON.parse(document.getElementById("script-texts")?.textContent || "{}");

/** @param {string} text  @param {Record<string, unknown>} values */
function filled(text, values) {
  return text.replace(/%\((\w+)\)s/g, (_, name) => String(values[name]));
}

/**
 * This text in the page's language: gettext("Play mark %(number)s", { number: 3 }). The text has to be written there as one string.
 * @param {string} text
 * @param {Record<string, unknown>} values
 */
export function gettext(text, values = {}) {
  return filled(Object.hasOwn(texts, text) ? texts[text][0] : text, values);
}

/**
 * The same of `n` things: ngettext("%(n)s mark", "%(n)s marks", 3).
 * @param {string} one
 * @param {string} many
 * @param {number} n
 * @param {Record<string, unknown>} values
 */
export function ngettext(one, many, n, values = {}) {
  const form = n === 1 ? 0 : 1; // as English and German have it
  return filled((Object.hasOwn(texts, one) && texts[one][form]) || [one, many][form], { n, ...values });
}

/** A number with so many digits after the point, as people write it in the page's language; not for fields and for the server. @param {number} number  @param {number} digits */
export function written(number, digits) {
  return number.toLocaleString(document.documentElement?.lang || "en", { minimumFractionDigits: digits, maximumFractionDigits: digits, useGrouping: false });
}
