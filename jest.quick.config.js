// The quick suite, `npm test`: the files of jest.config.js, where
// - each test that does not ask on which backend it runs has one home among the six projects of backends and kernels
//   (test/setup/share.cjs); the full suite runs it on all six;
// - the contract of the kernels takes each pair of its options' values on every project, not each combination.
import everything from './jest.config.js';

export default async () => {
  const config = await everything();
  const shared = config.projects.filter(({ globals = {} }) => globals.TEST_OP !== undefined);
  const quick = (project) => ({
    ...project,
    globals: {
      ...project.globals,
      TEST_CASES: 'pairwise',
      ...(shared.includes(project) ? { TEST_SHARE: { part: shared.indexOf(project), parts: shared.length } } : {}),
    },
  });
  return { ...config, projects: config.projects.map(quick) };
};
