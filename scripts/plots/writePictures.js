// Writes pictures into the repository, or checks that the pictures there are those that would be written.
import { mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { writeWhole } from '../writeWhole.js';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

/**
 * Writes pictures, a Map from file name to text, into a folder of the repository. With `check` it writes nothing, and
 * fails the process unless the folder holds exactly these; with `others` it may hold other pictures as well.
 */
export function writePictures(folder, pictures, { check, others = false }) {
  const place = join(ROOT, folder);
  if (!check) {
    mkdirSync(place, { recursive: true });
    for (const [file, svg] of pictures) writeWhole(join(place, file), svg);
    console.log(`${pictures.size} ${pictures.size === 1 ? 'picture' : 'pictures'} in ${folder}`);
    return;
  }
  const present = readdirSync(place).filter((file) => file.endsWith('.svg'));
  const same = (file) => present.includes(file) && readFileSync(join(place, file), 'utf8') === pictures.get(file);
  const expected = others ? pictures.keys() : new Set([...pictures.keys(), ...present]);
  const wrong = [...expected].filter((file) => !same(file));
  if (wrong.length > 0) {
    console.error(`${folder}: ${wrong.join(', ')}: not what npm run pictures draws`);
    process.exitCode = 1;
  }
}
