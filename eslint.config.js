// Rules that find faults; how code looks is not theirs. Types are tsconfig.json's.
import js from "@eslint/js";
import globals from "globals";
import types from "typescript-eslint";

const pages = ["annotation/static/annotation/*/*.js", "platform/hub/static/hub/*.js"];
const fetched = ["annotation/static/annotation/lsf/", "platform/hub/static/hub/uplot/"];

export default [
  { ignores: [".venv*/", "var/", "staticfiles/", "build/", ...fetched] },
  js.configs.recommended,
  {
    plugins: { types: types.plugin },
    linterOptions: { reportUnusedDisableDirectives: "error" },
    rules: {
      eqeqeq: "error",
      "no-var": "error",
      "prefer-const": "error",
      "no-shadow-restricted-names": "error",
      "no-template-curly-in-string": "error",
      "no-unmodified-loop-condition": "error",
      "no-promise-executor-return": "off", // (resolve) => setTimeout(resolve, ms) is how one waits
      "no-self-compare": "error",
      "no-unused-vars": ["error", { args: "all", argsIgnorePattern: "^_" }],
      "array-callback-return": "error",
      "no-implicit-globals": "error",
    },
  },
  {
    files: pages,
    languageOptions: { globals: globals.browser, parser: types.parser, parserOptions: { project: "./tsconfig.json" } },
    rules: {
      "types/no-floating-promises": "error", // an error in it would be nobody's: await it, catch it, or say void
      "types/no-misused-promises": ["error", { checksVoidReturn: false }], // if (promise) is always true
      "types/await-thenable": "error",
    },
  },
  { files: ["platform/hub/static/hub/*.js"], languageOptions: { sourceType: "script" } },
  { files: ["tests/js/*.js", "*.config.js"], languageOptions: { globals: { ...globals.node, document: "readonly", location: "readonly" } } },
];
