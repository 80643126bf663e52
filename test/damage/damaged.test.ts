import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { damaged, flipped, truncated } from './damaged.js';
import { failingScript, failingWrites, type FailingWrites } from './failingWrites.js';

let folder: string;
let failing: FailingWrites;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'softseg-damage-'));
  failing = failingWrites();
});
afterAll(() => {
  failing.remove();
  rmSync(folder, { recursive: true, force: true });
});

test('a small file is damaged at each byte and cut off at each length', () => {
  const file = Uint8Array.from({ length: 20 }, (_, i) => i);
  const all = [...damaged(file)].map(({ bytes }) => Buffer.from(bytes).toString('hex'));
  expect(new Set(all).size).toBe(3 * file.length);
  expect(all).not.toContain(Buffer.from(file).toString('hex'));
});

test('a large file has as many cases as requested, including the first and last bytes', () => {
  const file = new Uint8Array(100_000);
  const [some, most] = [30, 30];
  expect([...flipped(file, { some, most })]).toHaveLength(2 * some);
  const lengths = [...truncated(file, { some, most })].map(({ bytes }) => bytes.length);
  expect(lengths).toEqual(expect.arrayContaining([0, 1, 2, file.length - 1]));
  expect(lengths).toHaveLength(some);
});

test('each operation that changes a file can fail: alone, with all that follow, or after half a write', () => {
  const script = `${failingScript}
    import { mkdirSync, writeFileSync, fsyncSync, openSync, closeSync, renameSync, statSync, rmSync } from 'node:fs';
    const folder = process.argv[1];
    const names = ['mkdir', 'open', 'write', 'fsync', 'rename'];
    const work = () => {
      mkdirSync(folder + '/in');
      const file = openSync(folder + '/in/a', 'w');
      writeFileSync(file, 'twelve bytes');
      fsyncSync(file);
      closeSync(file);
      renameSync(folder + '/in/a', folder + '/in/b');
    };
    const failures = {};
    for (const how of ['once', 'from', 'short']) {
      failures[how] = names.map((_, i) => {
        rmSync(folder + '/in', { recursive: true, force: true });
        arm(i + 1, how);
        try { work(); } catch (error) {
          const size = error.syscall === 'write' ? statSync(folder + '/in/a').size : '';
          return error.code + ' ' + error.syscall + size;
        }
        return 'done in ' + operations();
      });
    }
    rmSync(folder + '/in', { recursive: true, force: true });
    arm(0);
    work();
    console.log(JSON.stringify({ ...failures, operations: operations() }));
  `;
  const out = execFileSync(process.execPath, ['--input-type=module', '-e', script, folder], {
    encoding: 'utf8',
    env: { ...process.env, ...failing.env(folder) },
  });
  const each = ['mkdir', 'open', 'write0', 'fsync', 'rename'].map((name) => `ENOSPC ${name}`);
  expect(JSON.parse(out)).toEqual({
    once: each,
    from: each,
    short: each.map((line) => line.replace('write0', 'write6')),
    operations: 5,
  });
});
