/** The lock of the cache where something else has its name, its content is damaged, or clocks are wrong. */
import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { withLock } from '../../src/backend/provision/lock.js';
import { ownName } from '../../src/backend/system/processIdentity.js';
import { damaged } from '../damage/damaged.js';

let cache: string;
let lock: string;
beforeEach(() => {
  cache = mkdtempSync(join(tmpdir(), 'softseg-lock-'));
  lock = join(cache, 'lock');
});
afterEach(() => {
  jest.restoreAllMocks();
  rmSync(cache, { recursive: true, force: true });
});

const hold = (content: string | Uint8Array, age: number) => {
  writeFileSync(lock, content);
  const beat = new Date(Date.now() - age);
  utimesSync(lock, beat, beat);
};
const take = (options = {}) => withLock(cache, options, async () => 'done');

/** Checks that the lock is taken sooner than that of a live process could be, and that nothing is left behind. */
const expectTaken = async () => {
  const waited: string[] = [];
  expect(await take({ onWait: (pid: string) => waited.push(pid) })).toBe('done');
  expect(waited).toEqual([]);
  expect(readdirSync(cache)).toEqual([]);
};

/** Checks that a process waits for the lock. A busy loop would look at it more often. */
const expectWaits = async () => {
  const stop = new AbortController();
  const waited: string[] = [];
  const onWait = (pid: string) => {
    waited.push(pid);
    setTimeout(() => stop.abort(), 50);
  };
  await expect(take({ signal: stop.signal, onWait })).rejects.toMatchObject({ code: 'interrupted' });
  expect(existsSync(lock)).toBe(true);
  return waited[0];
};

describe('something else in place of the lock', () => {
  const others: [string, string, () => void][] = [
    ['a folder', 'a folder', () => mkdirSync(lock)],
    ['a link to nowhere', 'a link', () => symlinkSync('/nowhere', lock)],
    ['a link to a file', 'a link', () => symlinkSync(__filename, lock)],
    ['a link to itself', 'a link', () => symlinkSync('lock', lock)],
    ['a pipe', 'a pipe', () => void execFileSync('mkfifo', [lock])],
  ];
  test.each(others)('(%s) is refused with advice, and stays', async (_, kind, make) => {
    make();
    await expect(take()).rejects.toMatchObject({
      name: 'InstallError',
      code: 'cache',
      message: `${lock} is ${kind}, where softseg keeps a file while it installs; remove it and run again`,
    });
    expect(readdirSync(cache)).toEqual(['lock']);
  });
});

describe('a cache that is not a folder', () => {
  test.each([
    [
      'a file',
      () => writeFileSync(cache, ''),
      /^\S+ is a file, and has to be a folder; remove it, or set SOFTSEG_CACHE/,
    ],
    [
      'a link to nowhere',
      () => symlinkSync('/no/where', cache),
      /^\S+ is a link to \/no\/where, which is not there; re/,
    ],
    ['a link to itself', () => symlinkSync(cache, cache), /^\S+ is a link to \S+, which leads in a circle; remove it/],
  ])('(%s) is refused with advice', async (_, make, message) => {
    rmSync(cache, { recursive: true });
    make();
    await expect(take()).rejects.toMatchObject({ name: 'InstallError', message: expect.stringMatching(message) });
  });
});

test('a lock that another process has taken over during the work stays', async () => {
  const other = 'the token of another process';
  await withLock(cache, {}, async () => writeFileSync(lock, other));
  expect(readFileSync(lock, 'utf8')).toBe(other);
});

describe('a lock left behind', () => {
  const content = `7-0123456789ab-${'0'.repeat(36)}`;
  const day = 24 * 3_600_000;

  test('a minute ago is taken over, whatever its content', async () => {
    const strange = ['', '-', '--', 'a-b-c', '-1-x', '0-x', '\n', '\0', '9'.repeat(5000), content];
    for (const text of strange) {
      hold(text, 60_000);
      await expectTaken();
    }
    for (const { bytes } of damaged(Buffer.from(content))) {
      hold(bytes, 60_000);
      await expectTaken();
    }
  });

  test('by an ended process of this machine is taken over at once', async () => {
    const [, machine] = ownName().split('-');
    for (const pid of ['999999999', '9'.repeat(30), 'x', '', '0', '1e9', '0x1']) {
      hold(`${pid}-${machine}-token`, 0);
      await expectTaken();
    }
  });

  test('far in the future is taken over, because the clock was wrong', async () => {
    hold(content, -2 * day);
    await expectTaken();
  });

  test('slightly in the future is waited for, and taken over once it has not changed for a while', async () => {
    hold(content, -3_600_000);
    expect(await expectWaits()).toBe('7');
    let now = 0;
    jest.spyOn(performance, 'now').mockImplementation(() => (now += 8_000));
    const waited: string[] = [];
    expect(await take({ onWait: (pid: string) => waited.push(pid) })).toBe('done');
    expect(waited).toEqual(['7']);
  });

  test('by a live process is waited for, and reported as unknown where it names no process', async () => {
    hold(content, 0);
    expect(await expectWaits()).toBe('7');
    for (const text of ['', '\x1b[31m-x-y', 'abc']) {
      hold(text, 0);
      expect(await expectWaits()).toBe('unknown');
    }
    expect(readFileSync(lock, 'utf8')).toBe('abc');
  });

  test('that cannot be removed is refused with advice', async () => {
    hold(content, 60_000);
    // Root can remove anything, except on file systems that refuse it.
    const script = `
      import { withLock } from '${join(__dirname, '../../dist/backend/provision/lock.js')}';
      if (process.getuid() === 0) process.setuid(12345);
      await withLock(process.argv[1], {}, async () => {}).catch(({ code, message }) => console.log(code, message));
    `;
    chmodSync(cache, 0o555);
    const args = ['--input-type=module', '-e', script, cache];
    const out = execFileSync(process.execPath, args, { encoding: 'utf8', timeout: 20_000 });
    chmodSync(cache, 0o755);
    expect(out).toMatch(
      /^permission \S+lock was left by a process that is gone, and cannot be removed \(EACCES.*; remove/,
    );
    expect(readFileSync(lock, 'utf8')).toBe(content);
  });
});
