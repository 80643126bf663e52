// What dist was built from: a hash of all that `npm run build` reads, which it leaves in dist, so that nothing stale is
// packed.
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

/** Fails unless dist is there and was built from the sources as they are now. */
export function demandBuilt(root) {
  let built;
  try {
    built = readFileSync(join(root, 'dist', STAMP), 'utf8');
  } catch (error) {
    if (error.code !== 'ENOENT') throw error;
    throw new Error('dist is not built; run `npm run build`', { cause: error });
  }
  if (built !== sourcesStamp(root)) {
    throw new Error('dist is stale: it was built from other sources than these; run `npm run build`');
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
