'use strict';
/**
 * The quick suite (jest.quick.config.js) runs each test of a file on one of the projects that share the file, where the
 * full suite runs it on all of them. A hash of the test's name picks the project, so a test always runs in the same
 * place, and the values of an option, which differ in the names, spread over backends and kernels.
 */
const { createHash } = require('node:crypto');
const { readFileSync } = require('node:fs');
const { relative, sep } = require('node:path');

const ROOT = process.cwd();

/** A test file that asks where it runs has other cases on each project: all of them run everywhere. */
const ASKS = /\bTEST_(BACKEND|KERNELS)\b/;

/**
 * Removes the tests of the other projects from jest's tree. A file keeps at least one test, for jest refuses a file
 * without any.
 */
function keepShare(root, file, { part, parts }) {
  if (ASKS.test(readFileSync(file, 'utf8'))) return;
  const path = relative(ROOT, file).split(sep).join('/');
  const tests = testsIn(root);
  const kept = new Set(tests.filter((test) => partOf(path, test, parts) === part));
  if (kept.size === 0) kept.add(tests[0]);
  prune(root, kept);
}

const testsIn = (block) =>
  block.children.flatMap((child) => (child.type === 'describeBlock' ? testsIn(child) : [child]));

function partOf(path, test, parts) {
  const names = [path];
  for (let at = test; at; at = at.parent) names.push(at.name);
  return createHash('sha1').update(names.join('\n')).digest().readUInt32BE() % parts;
}

function prune(block, kept) {
  block.children = block.children.filter((child) => child.type === 'describeBlock' || kept.has(child));
  block.tests = block.tests.filter((test) => kept.has(test));
  for (const child of block.children) if (child.type === 'describeBlock') prune(child, kept);
}

module.exports = { keepShare };
