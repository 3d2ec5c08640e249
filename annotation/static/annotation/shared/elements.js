// @ts-check
// The elements of a page: those that its template has, and new ones.

/**
 * The element with this id, which the page's template has.
 * @template {keyof Ids} Id
 * @param {Id} id
 */
export function $(id) {
  return /** @type {Ids[Id]} */ (document.getElementById(id));
}

/** @param {string} name  @param {string} className  @param {string} text */
export function element(name, className = "", text = "") {
  const made = document.createElement(name);
  made.className = className;
  made.textContent = text;
  return made;
}

/** @param {string} label  @param {(event: Event) => unknown} act */
export function button(label, act) {
  const made = document.createElement("button");
  made.type = "button";
  made.textContent = label;
  made.addEventListener("click", act);
  return made;
}
