import { readFileSync } from 'node:fs';
import { join } from 'node:path';

const ROOT = join(__dirname, '../..');

/** The entries of package.json under their import names, with their sources. (The modules for pages hold the same.) */
export function entries(): [entry: string, source: string][] {
  const { name, exports } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as {
    name: string;
    exports: Record<string, string | { types: string }>;
  };
  return Object.entries(exports).flatMap(([path, target]) =>
    typeof target === 'string' || path.startsWith('./bundle')
      ? []
      : [[join(name, path), target.types.replace('./dist/', 'src/').replace(/\.d\.ts$/, '.ts')]],
  );
}

/** The entries that run in a browser. */
export const browserEntries = () => entries().filter(([entry]) => entry !== 'softseg/node');
