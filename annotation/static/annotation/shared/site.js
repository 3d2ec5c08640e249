// @ts-check
// Where this site lies: at "/" of its host, or below a path of it. Every address that a script makes begins with it.
export const root = document.body.dataset.root ?? "/"; // ends in a slash
export const csrfCookie = document.body.dataset.csrfCookie ?? "";
