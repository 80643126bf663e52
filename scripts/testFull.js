// `npm run test:full`: npm test, with every case of the corpus of damaged files (test/damage) instead of some.
import { spawnSync } from 'node:child_process';

const env = { ...process.env, SOFTSEG_DAMAGE: 'whole' };
const { status } = spawnSync('npm', ['test'], { env, stdio: 'inherit', shell: process.platform === 'win32' });
process.exitCode = status ?? 1;
