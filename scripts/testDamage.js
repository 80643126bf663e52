// `npm run test:damage`: the tests of damaged files and failing writes, with all cases for small files and many for
// large ones (test/damage). `npm test` and `npm run test:full` take some of the cases.
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const FILES = [
  'damage/',
  'backend/(damage|environment|failing|places)',
  'metrics/accumulatorJson',
  'node/(damagedModels|saving)',
];

const env = { ...process.env, SOFTSEG_DAMAGE: 'whole' };
const args = ['--selectProjects', 'node', 'cpu', '--testPathPatterns', `test/(${FILES.join('|')})`];
const jest = new URL('../node_modules/jest/bin/jest.js', import.meta.url);
const { status } = spawnSync(process.execPath, [fileURLToPath(jest), ...args], { env, stdio: 'inherit' });
process.exitCode = status ?? 1;
