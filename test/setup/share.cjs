'use strict';
/**
 * The quick suite (jest.quick.config.js) runs each test of a file on one of the projects that share the file; the full
 * suite runs it on all of them. In Node two projects share a file: one with fused and one with composed kernels, on
 * different backends. A hash of the file's name picks them, and its tests are dealt out in the order of hashes of their
 * names. So a test always runs in the same place, and the values of an option, which differ in the names, spread.
 */
const { createHash } = require('node:crypto');
const { readFileSync } = require('node:fs');
const { relative, sep } = require('node:path');

const ROOT = process.cwd();

/** A test file that asks where it runs has other cases on each project: all of them run everywhere. */
const ASKS = /\bTEST_(BACKEND|KERNELS)\b/;
/** So do the promises that each backend's kernels make, and tests of kernels that a single project has. */
const OF_KERNELS = ['test/contract/', 'test/browser/webgl/', 'test/browser/float16/'];
/**
 * The code under these tests avoids or replaces kernels that tfjs's wasm backend lacks or gets wrong. No other backend
 * shows when it no longer does, so that backend runs all of them.
 */
const AVOIDS_FAULTS_OF_WASM = /^test\/(relaxations|ops|wasmTraining|losses\/deepSupervision)\b/;

const pathOf = (file) => relative(ROOT, file).split(sep).join('/');

/** True if a project runs all tests of a file, because what they test differs between backends. */
function runsWhole(file, { onlyOpsOfWasm }) {
  const path = pathOf(file);
  if (OF_KERNELS.some((folder) => path.startsWith(folder)) || ASKS.test(readFileSync(file, 'utf8'))) return true;
  return onlyOpsOfWasm && AVOIDS_FAULTS_OF_WASM.test(path);
}

/** The numbers of the projects that share a file. */
function homesOf(file, { parts, pairs }) {
  const hash = hashOf([pathOf(file)]);
  if (!pairs) return Array.from({ length: parts }, (_, i) => (hash + i) % parts);
  // The first half of the projects has fused kernels, the other half has composed ones.
  const half = parts / 2;
  return [hash % half, half + ((hash + 1) % half)];
}

/** True if a project runs no test of a file. */
const leavesOut = (file, share) => !runsWhole(file, share) && !homesOf(file, share).includes(share.part);

/**
 * Removes the tests of the other projects from jest's tree. At least one test stays, because jest refuses a file
 * without any: where there are fewer tests than projects, some run on several.
 */
function keepShare(root, file, share) {
  if (runsWhole(file, share)) return;
  const tests = testsIn(root).map((test) => ({ test, hash: hashOf([pathOf(file), ...namesOf(test)]) }));
  tests.sort((a, b) => a.hash - b.hash);
  const homes = homesOf(file, share);
  // A file may run elsewhere, too: options of the command line replace the list of files to leave out.
  const place = Math.max(0, homes.indexOf(share.part)) % Math.min(homes.length, tests.length);
  const kept = tests.filter((_, i) => i % homes.length === place);
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

module.exports = { keepShare, leavesOut };
