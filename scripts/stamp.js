// A hash of all files that `npm run build` reads. The build leaves it in dist, so that a stale dist is never packed.
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

export const STAMP = '.built-from';

const inputs = ['src', 'native', 'tsconfig.json', 'scripts/build.js', 'scripts/bundle.js'];

export function sourcesStamp(root) {
  const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  const hash = createHash('sha256').update(version);
  for (const input of inputs) {
    for (const file of filesOf(root, input)) hash.update(`${file}\0`).update(readFileSync(join(root, file)));
  }
  return hash.digest('hex');
}

/** Throws unless dist exists and was built from the present sources. */
export function demandBuilt(root) {
  let built;
  try {
    built = readFileSync(join(root, 'dist', STAMP), 'utf8');
  } catch (error) {
    if (error.code !== 'ENOENT') throw error;
    throw new Error('dist is not built; run `npm run build`', { cause: error });
  }
  if (built !== sourcesStamp(root)) {
    throw new Error('dist is stale: the sources have changed since it was built; run `npm run build`');
  }
}

function filesOf(root, path) {
  try {
    return readdirSync(join(root, path))
      .filter((name) => !name.endsWith('.md'))
      .sort()
      .flatMap((name) => filesOf(root, `${path}/${name}`));
  } catch (error) {
    if (error.code === 'ENOTDIR') return [path];
    throw error;
  }
}
