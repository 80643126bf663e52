// Packs what users install, from a built tree: `node scripts/pack.js [folder]` writes softseg-<version>.tgz there and
// prints its path. It is packed from a folder of its own, with a package.json of what users need and a README that has
// no dead links. (`npm pack` at the root would take whatever is in dist: with .npmrc's ignore-scripts there is no hook
// to stop it. `npm publish` at the root does nothing, because the root is private.)
import { execFileSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { demandBuilt, STAMP } from './stamp.js';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const ours = ['private', 'workspaces', 'scripts', 'devDependencies', 'overrides'];

/** The path of the tarball. */
export function pack(to) {
  demandBuilt(root);
  const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  const staged = mkdtempSync(join(tmpdir(), 'softseg-pack-'));
  try {
    for (const part of manifest.files) {
      cpSync(join(root, part), join(staged, part), { recursive: true, filter: (path) => basename(path) !== STAMP });
    }
    for (const key of ours) delete manifest[key];
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
 * npm's page of a package shows no picture and follows no link of a README by a relative path, unless package.json names
 * a public repository: pictures go, and links become their text, but for those to files of the package.
 */
function withoutDeadLinks(text, folder) {
  const dead = (target) => !/^(\w+:|#)/.test(target) && !existsSync(join(folder, target.replace(/#.*/, '')));
  return text
    .replace(/^!\[[^\]]*\]\(([^)\s]+)\)\n\n?/gm, (all, target) => (dead(target) ? '' : all))
    .replace(/(?<!!)\[((?:[^[\]]|\[[^\]]*\])*)\]\(([^)\s]+)\)/g, (all, label, target) => (dead(target) ? label : all));
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  try {
    console.log(pack(process.argv[2] ?? root));
  } catch (error) {
    console.error(`pack: ${error.message}`);
    process.exitCode = 1;
  }
}
