// The quick suite, `npm test`: the files of jest.config.js, where
// - each test that does not ask on which backend it runs has one home among the six projects of backends and kernels
//   in Node, and one among the browsers if it runs there too (test/setup/share.cjs); in the full suite it runs on all;
// - the contract of the kernels takes each pair of its options' values on every project, not each combination.
import everything from './jest.config.js';

export default async () => {
  const config = await everything();
  const inPages = ({ displayName }) => displayName.startsWith('browser');
  const onTensors = ({ globals }) => globals.TEST_OP !== undefined;
  const groups = [onTensors, inPages].map((of) => config.projects.filter(of));
  const quick = (project) => {
    const group = groups.find((projects) => projects.includes(project));
    const onlyOpsOfWasm = project.displayName === 'wasm composed';
    const share = group && { TEST_SHARE: { part: group.indexOf(project), parts: group.length, onlyOpsOfWasm } };
    return { ...project, globals: { ...project.globals, TEST_CASES: 'pairwise', ...share } };
  };
  return { ...config, projects: config.projects.map(quick) };
};
