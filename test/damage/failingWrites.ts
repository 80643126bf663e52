import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** The ways in which a disk fails; see failingWrites.cc. */
export type Failing = 'from' | 'once' | 'short';

export interface FailingWrites {
  /** The environment in which operation number `at` of a program below `folder` fails (0: none yet). */
  env(folder: string, at?: number, how?: Failing, error?: 'ENOSPC' | 'EROFS' | 'EIO'): NodeJS.ProcessEnv;
  remove(): void;
}

const numbers = { ENOSPC: 28, EROFS: 30, EIO: 5 };

/** Compiles the library that makes a program's n-th write fail. */
export function failingWrites(): FailingWrites {
  const folder = mkdtempSync(join(tmpdir(), 'softseg-failing-'));
  const library = join(folder, 'failingWrites.so');
  const source = join(__dirname, 'failingWrites.cc');
  execFileSync(process.env['CXX'] ?? 'g++', ['-O1', '-shared', '-fPIC', '-o', library, source, '-ldl', '-pthread']);
  return {
    env: (below, at = 0, how = 'from', error = 'ENOSPC') => ({
      LD_PRELOAD: library,
      FAIL_BELOW: below,
      FAIL_AT: String(at),
      FAIL_HOW: how,
      FAIL_ERRNO: String(numbers[error]),
    }),
    remove: () => rmSync(folder, { recursive: true, force: true }),
  };
}

/**
 * Goes at the top of a script that runs in such an environment, and gives it `arm(3, 'short')` and `operations()`,
 * their number since then.
 */
export const failingScript = `
import { readlinkSync as __readlink, rmdirSync as __rmdir } from 'node:fs';
const arm = (at, how = 'from', error = ${numbers.ENOSPC}) => __rmdir(\`/failing-writes/\${at}/\${error}/\${how}\`);
const operations = () => Number(__readlink('/failing-writes/count'));
`;
