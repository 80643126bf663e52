// Packs the published package from a built tree: `node scripts/pack.js [folder]` writes softseg-<version>.tgz to the
// folder and prints its path. It packs a temporary folder, with a package.json without the fields for development and a
// README without dead links. Do not use `npm pack` at the root: it would pack even a stale dist, because .npmrc's
// ignore-scripts disables the hook that could check it. `npm publish` at the root fails, because the root is private.
import { execFileSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { commandLine } from './options.js';
import { demandBuilt, STAMP } from './stamp.js';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const developmentFields = ['private', 'workspaces', 'scripts', 'devDependencies', 'overrides'];

/** Writes the tarball to a folder and returns its path. */
export function pack(to) {
  demandBuilt(root);
  const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  const staged = mkdtempSync(join(tmpdir(), 'softseg-pack-'));
  try {
    for (const part of manifest.files) {
      cpSync(join(root, part), join(staged, part), { recursive: true, filter: (path) => basename(path) !== STAMP });
    }
    for (const key of developmentFields) delete manifest[key];
    writeFileSync(join(staged, 'package.json'), `${JSON.stringify(manifest, null, 2)}\n`);
    const readme = join(staged, 'README.md');
    if (!manifest.repository) writeFileSync(readme, withoutDeadLinks(readFileSync(readme, 'utf8'), staged));
    mkdirSync(to, { recursive: true });
    const args = ['pack', '--silent', '--pack-destination', resolve(to)];
    return join(resolve(to), execFileSync('npm', args, { cwd: staged, encoding: 'utf8' }).trim());
  } finally {
    rmSync(staged, { recursive: true, force: true });
  }
}

/**
 * Removes pictures with relative paths from a README and replaces relative links by their text, except those to files
 * in the package. npm's page of a package cannot resolve them, unless package.json names a public repository.
 */
function withoutDeadLinks(text, folder) {
  const dead = (target) => !/^(\w+:|#)/.test(target) && !existsSync(join(folder, target.replace(/#.*/, '')));
  return text
    .replace(/^!\[[^\]]*\]\(([^)\s]+)\)\n\n?/gm, (all, target) => (dead(target) ? '' : all))
    .replace(/(?<!!)\[((?:[^[\]]|\[[^\]]*\])*)\]\(([^)\s]+)\)/g, (all, label, target) => (dead(target) ? label : all));
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { rest: folder } = commandLine({
    usage: 'npm run pack [-- FOLDER]',
    about: 'Packs a built tree for npm, and prints the path of the tarball.',
    rest: { name: 'FOLDER', about: 'where the tarball goes (default: the repository)' },
  });
  try {
    console.log(pack(folder ?? root));
  } catch (error) {
    console.error(`pack: ${error.message}`);
    process.exitCode = 1;
  }
}
