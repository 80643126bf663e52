'use strict';
/**
 * The quick suite (jest.quick.config.js) runs each test of a file on one of the projects that share the file, where the
 * full suite runs it on all of them. The tests are dealt out in the order of hashes of their names, so that a test
 * always runs in the same place, each project gets as many, and the values of an option, which differ in the names,
 * spread over backends and kernels.
 */
const { createHash } = require('node:crypto');
const { readFileSync } = require('node:fs');
const { relative, sep } = require('node:path');

const ROOT = process.cwd();

/** A test file that asks where it runs has other cases on each project: all of them run everywhere. */
const ASKS = /\bTEST_(BACKEND|KERNELS)\b/;
/** So do the promises that each backend's kernels make. */
const CONTRACT = 'test/contract/';
/**
 * The code under these tests avoids kernels that tfjs's wasm backend lacks, or that lose digits there. No other backend
 * shows when it no longer does, so that backend runs all of them.
 */
const AVOIDS_FAULTS_OF_WASM = /^test\/(relaxations|ops|losses\/deepSupervision)\b/;

/**
 * Removes the tests of the other projects from jest's tree. A file keeps at least one test, because jest refuses a file
 * without any: where there are fewer tests than projects, some run on several.
 */
function keepShare(root, file, { part, parts, onlyOpsOfWasm }) {
  const path = relative(ROOT, file).split(sep).join('/');
  if (path.startsWith(CONTRACT) || ASKS.test(readFileSync(file, 'utf8'))) return;
  if (onlyOpsOfWasm && AVOIDS_FAULTS_OF_WASM.test(path)) return;
  const tests = testsIn(root).map((test) => ({ test, hash: hashOf([path, ...namesOf(test)]) }));
  tests.sort((a, b) => a.hash - b.hash);
  const place = (hashOf([path]) + part) % parts;
  const kept = tests.filter((_, i) => i % parts === place % Math.min(parts, tests.length));
  prune(root, new Set(kept.map(({ test }) => test)));
}

const testsIn = (block) =>
  block.children.flatMap((child) => (child.type === 'describeBlock' ? testsIn(child) : [child]));

const hashOf = (names) => createHash('sha1').update(names.join('\n')).digest().readUInt32BE();

function namesOf(test) {
  const names = [];
  for (let at = test; at; at = at.parent) names.push(at.name);
  return names;
}

function prune(block, kept) {
  block.children = block.children.filter((child) => child.type === 'describeBlock' || kept.has(child));
  block.tests = block.tests.filter((test) => kept.has(test));
  for (const child of block.children) if (child.type === 'describeBlock') prune(child, kept);
}

module.exports = { keepShare };
