// @ts-check
// What the server and the pages go by alike. It comes with the page: annotation/pages/rules.py says where each is written.
import { $ } from "./elements.js";

/** @type {Rules} */
export const rules = JSON.parse($("rules").textContent ?? "");
