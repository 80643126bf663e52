// Reads the text of a release: the section of a version in CHANGELOG.md, and the changes in .changeset that are not
// in the changelog yet. `node scripts/changelog.js` prints the section of the version in package.json.
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The text below the heading of a version; undefined if there is no such heading or no text. */
export function sectionOf(root, version) {
  const text = readFileSync(join(root, 'CHANGELOG.md'), 'utf8');
  const sections = text.split(/^## /m).slice(1);
  const section = sections.find((section) => section.split('\n', 1)[0].trim() === version);
  return section?.slice(section.indexOf('\n')).trim() || undefined;
}

/** The files of changes that `npm run bump` has not moved into the changelog. */
export function pendingChanges(root) {
  const files = readdirSync(join(root, '.changeset'));
  return files.filter((file) => file.endsWith('.md') && file !== 'README.md').map((file) => `.changeset/${file}`);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const root = dirname(dirname(fileURLToPath(import.meta.url)));
  const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  const section = sectionOf(root, version);
  if (section) console.log(section);
  else {
    console.error(`CHANGELOG.md has no section ${version}`);
    process.exitCode = 1;
  }
}
