import assert from "node:assert/strict";
import { readFileSync, readdirSync } from "node:fs";
import test from "node:test";

const read = (path) => readFileSync(new URL(`../../${path}`, import.meta.url), "utf8");
const below = (path) => readdirSync(new URL(`../../${path}`, import.meta.url), { recursive: true }).map((name) => `${path}/${name}`);

/** A page's template with all that it includes, and its scripts with all that they import. */
function templateWithParts(path) {
  const text = read(path);
  const parts = [...text.matchAll(/{% (?:include|extends) "([^"]+)"/g)].map(([, name]) => templateWithParts(`templates/${name}`));
  return [text, ...parts].join("\n");
}

function scriptsFrom(path, known = new Set()) {
  if (known.has(path)) return known;
  known.add(path);
  for (const [, name] of read(path).matchAll(/from "(\.[^"]+)"/g)) scriptsFrom(new URL(name, `file:///${path}`).pathname.slice(1), known);
  return known;
}

const PAGES = below("templates").filter((path) => path.endsWith(".html")).flatMap((path) => {
  const scripts = [...read(path).matchAll(/{% static '(annotation\/[^']+\.js)' %}" type="module"/g)].map(([, name]) => `annotation/static/${name}`);
  return scripts.map((script) => [path, script]);
});

/** Elements that only one of two pages has; code that both share asks for them on that page alone. */
const ONLY_ON = { "annotate/": ["ask", "ask-title", "ask-text", "ask-answers", "editor-frame"] };

test("every element that a page's scripts ask for by its id is in the page's template", () => {
  assert.equal(PAGES.length, 8, "annotate, review, quick, one of my answers, one track, a song that was sent, songs of a round, a listening test");
  for (const [template, script] of PAGES) {
    const text = templateWithParts(template);
    const ids = new Set([...text.matchAll(/\bid="([^"]+)"/g)].map(([, id]) => id));
    for (const [, id] of text.matchAll(/json_script:"([^"]+)"/g)) ids.add(id);
    for (const path of scriptsFrom(script)) {
      const asked = [...read(path).matchAll(/(?:\$|\bsay)\("([^"]+)"/g)].map(([, id]) => id);
      const exempt = path.includes("/shared/") ? Object.entries(ONLY_ON).filter(([page]) => !script.includes(page)).flatMap(([, some]) => some) : [];
      const missing = asked.filter((id) => !ids.has(id) && !exempt.includes(id));
      assert.deepEqual(missing, [], `${path} on ${template}`);
    }
  }
});

test("every script is checked, and none is left that no page loads", () => {
  const all = below("annotation/static/annotation").filter((path) => path.endsWith(".js") && !path.includes("/lsf/"));
  for (const path of [...all, ...below("platform/hub/static/hub").filter((one) => one.endsWith(".js") && !one.includes("/uplot/"))]) {
    assert.ok(read(path).startsWith("// @ts-check\n"), path);
  }
  const loaded = new Set([...PAGES.flatMap(([, script]) => [...scriptsFrom(script)]), "annotation/static/annotation/quick/worker.js"]); // a service worker
  assert.deepEqual(all.filter((path) => !loaded.has(path)), []);
});
