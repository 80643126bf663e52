// Publishes the version in package.json: `npm run release`. With `npm run release -- --dry-run` it checks and packs but
// uploads nothing. It must run in CI, where npm signs a statement of where the package was built (--provenance, which
// needs the identity token of GitHub Actions or GitLab, and the field repository in package.json).
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { pendingChanges, sectionOf } from './changelog.js';
import { commandLine } from './options.js';
import { pack } from './pack.js';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const { 'dry-run': dry } = commandLine({
  usage: 'npm run release [-- --dry-run]',
  about: 'Publishes the version in package.json, or says what stands in the way.',
  options: { 'dry-run': { about: 'say what stands in the way, pack, and publish nothing' } },
});
const { name, version, repository } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));

const git = (...args) => execFileSync('git', args, { cwd: root, encoding: 'utf8' }).trim();
const npm = (...args) => execFileSync('npm', args, { cwd: root, stdio: 'inherit' });

/** The reasons against a release, in words. */
function obstacles() {
  const found = [];
  if (git('status', '--porcelain')) found.push('the working tree has changes');
  const branch = git('rev-parse', '--abbrev-ref', 'HEAD');
  const main = git('rev-parse', 'main');
  if (branch !== 'main' && git('rev-parse', 'HEAD') !== main) found.push(`this is ${branch}, not main`);
  if (!/^\d+\.\d+\.\d+(-[\w.]+)?$/.test(version)) found.push(`${version} is not a semantic version`);
  const pending = pendingChanges(root);
  if (pending.length > 0) found.push(`no version has these changes yet, run npm run bump: ${pending.join(', ')}`);
  if (!sectionOf(root, version)) found.push(`CHANGELOG.md has no section ${version}`);
  if (isPublished()) found.push(`${name} ${version} is already published`);
  if (!repository) found.push('package.json has no repository, which provenance needs');
  if (!process.env.ACTIONS_ID_TOKEN_REQUEST_URL && !process.env.SIGSTORE_ID_TOKEN) {
    found.push('there is no identity token of a CI service, which provenance needs');
  }
  return found;
}

function isPublished() {
  const { status, stdout, stderr } = spawnSync('npm', ['view', `${name}@${version}`, 'version'], { encoding: 'utf8' });
  if (status === 0) return stdout.trim() !== '';
  if (/E404/.test(stderr)) return false;
  throw new Error(`cannot ask the registry for ${name}: ${stderr.trim()}`);
}

const found = obstacles();
for (const obstacle of found) console.error(`release: ${obstacle}`);
if (found.length > 0 && !dry) process.exit(1);

if (!dry) {
  npm('ci');
  npm('run', 'test:full');
}
npm('run', '--silent', 'build');
const folder = mkdtempSync(join(tmpdir(), 'softseg-release-'));
try {
  const tarball = pack(folder);
  if (dry) npm('publish', tarball, '--dry-run', '--access', 'public');
  else npm('publish', tarball, '--provenance', '--access', 'public');
} finally {
  rmSync(folder, { recursive: true, force: true });
}
