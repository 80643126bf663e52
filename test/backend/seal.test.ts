import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { damageIn, makeReadable, seal, SEAL } from '../../src/backend/provision/seal.js';
import { whyNotTrusted } from '../../src/backend/provision/trust.js';
import { damaged } from '../damage/damaged.js';

let folder: string;
beforeEach(() => {
  folder = realpathSync(mkdtempSync(join(tmpdir(), 'softseg-seal-')));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const at = (...parts: string[]) => join(folder, ...parts);

/** The list of a folder with one file. */
const listWith = (name: string) =>
  JSON.stringify({ version: 1, files: { [name]: { bytes: 1, changed: 1, sha256: 'a'.repeat(64) } } });

describe('a sealed folder', () => {
  const bytes = Uint8Array.from({ length: 900 }, (_, i) => (i * 7) % 251);
  const make = async () => {
    mkdirSync(at('deep'));
    writeFileSync(at('deep', 'a.so'), bytes);
    writeFileSync(at('b.node'), 'b');
    await seal(folder);
  };

  test('is undamaged after sealing, and also through a link', async () => {
    await make();
    expect(await damageIn(folder)).toBeUndefined();
    expect(await damageIn(folder, { full: true })).toBeUndefined();
    symlinkSync(folder, `${folder}-link`);
    expect(await damageIn(`${folder}-link`)).toBeUndefined();
    rmSync(`${folder}-link`);
  });

  test('can be read by everyone and written by its owner alone, whatever the umask was', async () => {
    const before = process.umask(0o077);
    try {
      await make();
    } finally {
      process.umask(before);
    }
    chmodSync(at('deep', 'a.so'), 0o777);
    await seal(folder);
    const modes = ['.', 'deep', 'deep/a.so', 'b.node', SEAL].map((name) => statSync(at(name)).mode & 0o777);
    expect(modes).toEqual([0o755, 0o755, 0o755, 0o644, 0o644]);
    chmodSync(at(SEAL), 0o600);
    chmodSync(at('b.node'), 0o600);
    await makeReadable(folder);
    expect([SEAL, 'b.node'].map((name) => statSync(at(name)).mode & 0o777)).toEqual([0o644, 0o644]);
    expect(await damageIn(folder)).toBeUndefined();
  });

  test('is damaged if any byte of a file was changed or any length cut off, and the file is named', async () => {
    await make();
    for (const { what, bytes: other } of damaged(bytes)) {
      writeFileSync(at('deep', 'a.so'), other);
      expect({ what, damage: await damageIn(folder) }).toEqual({ what, damage: expect.stringContaining('a.so ') });
    }
  });

  test('with a changed list never passes as undamaged when a file is damaged', async () => {
    await make();
    const list = readFileSync(at(SEAL));
    writeFileSync(at('b.node'), 'B');
    for (const { what, bytes: other } of damaged(list, { some: 150 })) {
      writeFileSync(at(SEAL), other);
      expect({ what, damage: await damageIn(folder, { files: ['b.node'] }) }).toEqual({
        what,
        damage: expect.any(String),
      });
    }
  });

  test.each([
    ['lacks a file', () => rmSync(at('b.node')), /b\.node is missing/],
    ['has a folder in place of a file', () => (rmSync(at('b.node')), mkdirSync(at('b.node'))), /b\.node is not a file/],
    [
      'has a dangling link in place of a file',
      () => (rmSync(at('b.node')), symlinkSync('none', at('b.node'))),
      /b\.node is missing/,
    ],
    ['has no list', () => rmSync(at(SEAL)), /contents\.json does not list what was installed/],
    ['has a folder as list', () => (rmSync(at(SEAL)), mkdirSync(at(SEAL))), /contents\.json does not list/],
    ['has a list that is too long', () => truncateSync(at(SEAL), 2 ** 28), /no list has more than 8388608/],
    ['has a list with a NUL', () => writeFileSync(at(SEAL), listWith('a\0b')), /does not list .* damaged/],
    ['has a list with a name too long', () => writeFileSync(at(SEAL), listWith('a'.repeat(300))), /aaa is missing/],
    ['has a list of an older form', () => writeFileSync(at(SEAL), '{"b.node":1}'), /does not list .* another version/],
  ])('that %s is damaged', async (_, change, message) => {
    await make();
    change();
    expect(await damageIn(folder)).toMatch(message);
  });

  test('whose list names a file outside of it is damaged', async () => {
    await make();
    writeFileSync(at(SEAL), readFileSync(at(SEAL), 'utf8').replace('"b.node"', '"../b.node"'));
    expect(await damageIn(folder)).toMatch(/does not list what was installed/);
  });

  test('has large files checked by size and time, and by their bytes on demand or if the time differs', async () => {
    const size = 17 * 2 ** 20;
    const large = at('large.so');
    writeFileSync(large, new Uint8Array(size));
    const sealedAt = 1_700_000_000;
    utimesSync(large, sealedAt, sealedAt);
    await seal(folder);

    // A copy has another time, so it is hashed and gets its time back.
    utimesSync(large, sealedAt + 50, sealedAt + 50);
    expect(await damageIn(folder)).toBeUndefined();
    expect(statSync(large).mtimeMs).toBe(sealedAt * 1000);

    const changed = new Uint8Array(size);
    changed[size >> 1] = 1;
    writeFileSync(large, changed);
    expect(await damageIn(folder)).toMatch(/large\.so is not as it was installed/);
    utimesSync(large, sealedAt, sealedAt);
    expect(await damageIn(folder)).toBeUndefined();
    expect(await damageIn(folder, { full: true })).toMatch(/large\.so is not as it was installed/);
    truncateSync(large, size - 1);
    utimesSync(large, sealedAt, sealedAt);
    expect(await damageIn(folder)).toMatch(/large\.so has 17825791 bytes instead of 17825792/);
  });
});

describe('code is loaded', () => {
  const user = process.geteuid!();
  const file = () => {
    mkdirSync(at('cache'));
    writeFileSync(at('cache', 'a.node'), '');
    chmodSync(at('cache', 'a.node'), 0o755);
    return at('cache', 'a.node');
  };

  test('from the user and root, also below a folder with the sticky bit', () => {
    expect(statSync(tmpdir()).mode & 0o1002).not.toBe(0o0002);
    expect(whyNotTrusted(file())).toBeUndefined();
  });

  test('not from another user', () => {
    const path = file();
    const other = user === 0 ? 12345 : user;
    // As root, the test gives the file away; another user checks it as a third user would.
    const why = whyNotTrusted(path, user === 0 ? 0 : 12345);
    if (user !== 0) expect(why).toContain(`belongs to another user (uid ${other})`);
    else expect(whyNotTrusted(path, 12345)).toBeUndefined(); // root is trusted
  });

  test.each([
    ['a file that all may write', () => chmodSync(at('cache', 'a.node'), 0o757), /everyone may write to \S+a\.node/],
    ['a folder that all may write', () => chmodSync(at('cache'), 0o777), /everyone may write to \S+cache; .*chmod o-w/],
    ['a folder above', () => chmodSync(folder, 0o707), /everyone may write to/],
  ])('not from %s', (_, change, message) => {
    const path = file();
    change();
    expect(whyNotTrusted(path)).toMatch(message);
  });

  test('from a link only if the place it leads to may be trusted', () => {
    const path = file();
    mkdirSync(at('open'));
    symlinkSync(path, at('open', 'link.node'));
    chmodSync(at('open'), 0o777);
    expect(whyNotTrusted(at('open', 'link.node'))).toBeUndefined();
    chmodSync(at('cache'), 0o777);
    expect(whyNotTrusted(at('open', 'link.node'))).toMatch(/everyone may write/);
  });
});
