// The quick suite, `npm test`: the files of jest.config.js, where
// - each test that does not ask on which backend it runs has one home among the six projects of backends and kernels
//   in Node, and one among the browsers if it runs there too (test/setup/share.cjs); in the full suite it runs on all;
// - the contract of the kernels takes each pair of its options' values on every project, not each combination;
// - a few files are left out that take long and find faults which are rare in a change (LEFT_OUT).
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import everything from './jest.config.js';
import { leavesOut } from './test/setup/share.cjs';

const LEFT_OUT = [
  'backend/damage.test',
  'backend/install.test',
  'backend/places.test',
  'browser/float16/training.page',
  'browser/gpu/accumulators.page',
  'browser/gpu/layerKinds.page',
  'browser/gpu/programs.page',
  'browser/training.page',
  'browser/webgl/passes.page',
  'docs/site.test',
  'examples/demo.test',
  'examples/examples.test',
  'native/sanitizers.test',
  'node/resume.test',
  'package/package.test',
].map((name) => `/test/${name.replaceAll('.', '\\.')}\\.ts$`);

const ROOT = import.meta.dirname;
const files = readdirSync(join(ROOT, 'test'), { recursive: true })
  .filter((file) => file.endsWith('.test.ts'))
  .map((file) => join(ROOT, 'test', file));

/** A pattern of jest that only this file fits. */
const only = (file) => `^${file.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&')}$`;

export default async () => {
  const config = await everything();
  const inPages = config.projects.filter(({ displayName }) => displayName.startsWith('browser'));
  const onTensors = config.projects.filter(({ globals }) => globals.TEST_OP !== undefined);

  const quick = (project) => {
    const globals = { ...project.globals, TEST_CASES: 'pairwise' };
    const group = [onTensors, inPages].find((projects) => projects.includes(project));
    if (!group) return { ...project, globals, testPathIgnorePatterns: LEFT_OUT };
    const share = {
      part: group.indexOf(project),
      parts: group.length,
      pairs: group === onTensors,
      onlyOpsOfWasm: project.displayName === 'wasm composed',
    };
    const elsewhere = group === onTensors ? files.filter((file) => leavesOut(file, share)).map(only) : LEFT_OUT;
    return { ...project, globals: { ...globals, TEST_SHARE: share }, testPathIgnorePatterns: elsewhere };
  };
  return { ...config, projects: config.projects.map(quick) };
};
