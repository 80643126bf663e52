/**
 * The places where softseg puts TensorFlow's library: folders of other users, read-only and full disks, deleted caches,
 * and files that lie in the way. Each case says what is wrong and what to do, and loses nothing good.
 */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import os from 'node:os';
import { join } from 'node:path';
import { cacheFolder } from '../../src/backend/provision/cache.js';
import { InstallError } from '../../src/backend/system/errors.js';
import { wholeCorpus } from '../damage/damaged.js';
import { failingWrites, type Failing, type FailingWrites } from '../damage/failingWrites.js';
import { makeFakeProject, type FakeProject } from './fakes.js';

// The tests start processes, possibly on busy machines.
jest.setTimeout(120_000);

let project: FakeProject;
let failing: FailingWrites;
beforeAll(() => {
  failing = failingWrites();
});
afterAll(() => failing.remove());
beforeEach(() => {
  project = makeFakeProject();
  project.addCore();
  for (const folder of [project.folder, join(project.folder, 'home')]) chmodSync(folder, 0o755);
});
afterEach(() => {
  chmodSync(project.folder, 0o755);
  for (const folder of denied.splice(0)) chmodSync(folder, 0o755);
  project.remove();
});

const isRoot = process.getuid?.() === 0;
const other = isRoot ? 12345 : process.getuid?.();
/**
 * Put before a command, runs it as a user without rights here and without a home. Users who are not root run it as
 * themselves.
 */
const asOther = isRoot ? `setpriv --reuid=${other} --regid=${other} --clear-groups` : '';
const denied: string[] = [];
/** Denies access to other users if root runs the tests, else to the user who runs them. */
function deny(folder: string, mode: 'read' | 'write'): void {
  denied.push(folder);
  if (mode === 'read') chmodSync(folder, isRoot ? 0o700 : 0o000);
  else chmodSync(folder, isRoot ? 0o755 : 0o555);
}

const loading = `
  import { load } from 'softseg/node';
  await load('native').catch((error) => console.log(error.name + ': ' + error.message));
`;
/** The messages of load() about the native backend, when run with `before` in front of the command. */
const loads = (before: string, env: NodeJS.ProcessEnv = {}) => {
  writeFileSync(join(project.folder, 'loading.mjs'), loading);
  const { out, err } = project.shell(`${before} '${process.execPath}' loading.mjs`, env);
  return out + err;
};
const installs = (before: string, env: NodeJS.ProcessEnv = {}) =>
  project.shell(`${before} '${process.execPath}' driver.mjs`, { ...project.settingsFor({}), ...env }).out;

const bindingFolder = () => join(project.packageFolder, 'lib', 'napi-v8');
const inCache = (...parts: string[]) => join(project.cache, ...parts);
/** All files in the cache. */
const files = () => readdirSync(project.cache, { recursive: true }).map(String).sort();

describe('an installation of another user', () => {
  test('that cannot be read is reported as such, and left alone', async () => {
    await project.install();
    const before = files();
    const target = readlinkSync(project.binding);
    deny(project.cache, 'read');
    deny(bindingFolder(), 'write');
    const why = `TensorFlow's library was installed by another user, to ${target}, and user ${other} may not read`;
    const said = loads(asOther);
    expect(said).toContain(`native cannot run here: ${why} ${project.cache} (EACCES); let that user install it where`);
    expect(said).toContain('`SOFTSEG_CACHE=/opt/softseg npx softseg install-native`');

    const own = { SOFTSEG_CACHE: join(project.folder, 'own') };
    const out = project.shell(`${asOther} '${process.execPath}' driver.mjs`, {
      ...project.settingsFor({ cache: own.SOFTSEG_CACHE }),
    }).out;
    expect(out).toContain(`note ${why}`);
    expect(out).toMatch(/failure InstallError permission user \d+ may not write to /);
    expect(project.calls('pip')).toHaveLength(1);
    chmodSync(project.cache, 0o755);
    expect(files()).toEqual(before);
    expect(readlinkSync(project.binding)).toBe(target);
  });

  test('that everyone may read is used', async () => {
    await project.install();
    for (const folder of [project.cache, bindingFolder()]) deny(folder, 'write');
    expect(installs(asOther)).toContain('"by":"already there"');
  });

  test('whose cache cannot be written is reported before any download', async () => {
    mkdirSync(project.cache);
    deny(project.cache, 'write');
    const out = installs(asOther);
    expect(out).toContain(
      `failure InstallError permission user ${other} may not write to ${project.cache}; set SOFTSEG_CACHE to a folder`,
    );
    expect(project.calls('pip')).toEqual([]);
  });

  test('whose node_modules cannot be written is reported before any download', () => {
    mkdirSync(inCache(), { recursive: true });
    if (isRoot) chownSync(project.cache, other!, other!);
    deny(project.packageFolder, 'write');
    const out = installs(asOther);
    expect(out).toContain(
      `failure InstallError permission user ${other} may not write to ${project.packageFolder}; ` +
        "TensorFlow's library is linked there: run `npx softseg install-native` as a user who may",
    );
    expect(project.calls('pip')).toEqual([]);
  });
});

describe('a cache that was deleted', () => {
  test('is reported where its library was linked, and made again', async () => {
    await project.install();
    const target = readlinkSync(project.binding);
    renameSync(project.cache, `${project.cache}-gone`);
    const why = `TensorFlow's library is not at ${target}, where the link ${project.binding} leads: it was removed, or`;
    expect(loads('')).toContain(`${why} node_modules was copied without it; copy it to the same place, or run`);
    const out = installs('');
    expect(out).toContain(`note ${why}`);
    expect(out).toContain('"by":"wheel"');
    expect(readlinkSync(project.binding)).toBe(target);
  });

  test('does not matter once it is back', async () => {
    await project.install();
    const gone = `${project.cache}-gone`;
    renameSync(project.cache, gone);
    renameSync(gone, project.cache);
    expect(installs('')).toContain('"by":"already there"');
  });
});

describe('a user without a home', () => {
  afterEach(() => void jest.restoreAllMocks());
  const message =
    /there is no folder for TensorFlow's library: HOME is not set, and .* has no home folder .*; set SOFTSEG/;

  test.each([{}, { HOME: '' }, { HOME: 'relative' }, { HOME: '', XDG_CACHE_HOME: 'relative', SOFTSEG_CACHE: '' }])(
    'and with %j has no cache folder',
    (env) => {
      const unknown = jest.spyOn(os, 'userInfo').mockImplementation(() => {
        throw new Error('uv_os_get_passwd returned ENOENT');
      });
      expect(() => cacheFolder(env)).toThrow(InstallError);
      expect(() => cacheFolder(env)).toThrow(message);
      unknown.mockImplementation(() => ({ homedir: 'no/where' }) as os.UserInfo<string>);
      expect(() => cacheFolder(env)).toThrow(message);
      expect(cacheFolder({ ...env, XDG_CACHE_HOME: '/x' })).toBe('/x/softseg');
    },
  );

  test('gets no native backend from load() and an error from install-native, both with the reason', () => {
    // Without root, a process cannot become an unknown user, but Node can be made to report one.
    const unknown = join(project.folder, 'unknown.cjs');
    writeFileSync(unknown, "require('os').userInfo = () => { throw new Error('ENOENT'); };");
    const env = isRoot ? {} : { NODE_OPTIONS: `--require ${unknown}` };
    const run = `${asOther} env -u HOME -u SOFTSEG_CACHE`;
    expect(loads(run, env)).toMatch(new RegExp(`native cannot run here: .*${message.source}`));
    const cli = join(project.folder, 'node_modules/softseg/dist/backend/cli.js');
    const { code, err } = project.shell(`${run} '${process.execPath}' '${cli}' install-native`, env);
    expect(err).toMatch(message);
    expect(err).not.toContain('    at ');
    expect(code).toBe(1);
  });

  test('is told when the home cannot be created', () => {
    // In /proc, mkdir fails with ENOENT although the folder above exists, and Node's recursive mkdir never ends.
    const cache = cacheFolder({ HOME: process.platform === 'linux' ? '/proc/nowhere' : '/dev/null/nowhere' });
    const { out } = project.shell(`'${process.execPath}' driver.mjs`, project.settingsFor({ cache }));
    expect(out).toMatch(
      /failure InstallError (cache|permission) (\S+ cannot be made \(ENOENT|\S+ is a device|user \d+ may not).*SOFTSEG_CACHE/,
    );
  });
});

/** How to run a command while a folder is on a read-only disk. */
function readOnly(folder: string): (command: string) => string {
  const mount = `mount --bind '${folder}' '${folder}' && mount -o remount,ro,bind '${folder}'`;
  const unshare = ['unshare -m', 'unshare -rm'].find(
    (way) => spawnSync('sh', ['-c', `${way} sh -c "${mount}"`]).status === 0,
  );
  if (unshare) return (command) => `${unshare} sh -c "${mount} && ${command}"`;
  const env = Object.entries(failing.env(folder, 1, 'from', 'EROFS')).map(([name, value]) => `${name}='${value}'`);
  return (command) => `env ${env.join(' ')} ${command}`;
}
const driver = `'${process.execPath}' driver.mjs`;

describe('a read-only disk', () => {
  const remedy = 'run `npx softseg install-native` where it can be written (for an image: when that is built)';

  test('is reported for a cache to be made on it, and for an existing one', () => {
    const disk = join(project.folder, 'disk');
    mkdirSync(disk);
    const on = readOnly(disk);
    for (const cache of [join(disk, 'a', 'b'), disk]) {
      const { out } = project.shell(on(driver), project.settingsFor({ cache }));
      expect(out).toContain('is on a read-only disk; run `npx softseg install-native` where it can be written');
      expect(out).toContain('failure InstallError permission');
    }
    expect(project.calls('pip')).toEqual([]);
  });

  test('is reported for node_modules', async () => {
    const on = readOnly(project.packageFolder);
    const { out } = project.shell(on(driver), project.settingsFor({}));
    expect(out).toMatch(/failure InstallError permission \S+ is on a read-only disk; .*linked there: run/);
    expect(existsSync(project.binding)).toBe(false);
  });

  test('is reported by load() where it cannot create the link', async () => {
    await project.install();
    rmSync(join(project.packageFolder, 'lib'), { recursive: true });
    // install() named the folders after the tiny library; load() looks for those of the real one.
    provideAs(project);
    const on = readOnly(project.packageFolder);
    writeFileSync(join(project.folder, 'loading.mjs'), loading);
    const { out } = project.shell(on(`'${process.execPath}' loading.mjs`));
    expect(out).toContain("native cannot run here: TensorFlow's library is in the cache but could not be linked: ");
    expect(out).toMatch(/read-only/);
    expect(out).toContain(remedy);
  });

  test('does not matter once everything is installed', async () => {
    await project.install();
    const on = readOnly(project.folder);
    const { out } = project.shell(on(driver), project.settingsFor({}));
    expect(out).toContain('"by":"already there"');
    expect(out).toContain('"kernels":"fused native"');
  });
});

/** Gives the files in the cache the library's names for this system. */
function provideAs({ cache, folder }: FakeProject): void {
  const script = `
    import { cachedBinding, libraryOf } from './node_modules/softseg/dist/backend/provision/binding.js';
    import { mkdirSync, writeFileSync } from 'node:fs';
    import { dirname, join } from 'node:path';
    const library = libraryOf('@tensorflow/tfjs-node');
    const binding = cachedBinding(process.argv[1], { name: '@tensorflow/tfjs-node', version: '1.2.3' }, library);
    for (const file of [binding, ...library.files.map((name) => join(process.argv[1], library.key, name))]) {
      mkdirSync(dirname(file), { recursive: true });
      writeFileSync(file, '');
    }
  `;
  const ran = spawnSync(process.execPath, ['--input-type=module', '-e', script, cache], { cwd: folder });
  if (ran.status !== 0) throw new Error(ran.stderr.toString());
}

describe('something in the way', () => {
  test.each([
    ['the cache is a file', '', 'file'],
    ['the cache is a link to nowhere', '', 'link'],
    ['staging/ is a file', 'staging', 'file'],
    ['wheels/ is a file', 'wheels', 'file'],
    ['wheels/ is a link to nowhere', 'wheels', 'link'],
    ["the binding's folder is a file", 'tfjs-node-1.2.3-r3-tiny-1.0', 'file'],
  ])('(%s) is named, and stays', async (_, name, kind) => {
    const path = inCache(name);
    mkdirSync(join(path, '..'), { recursive: true });
    if (kind === 'file') writeFileSync(path, 'mine');
    else symlinkSync('/no/where', path);
    const { out } = await project.install();
    const what = kind === 'file' ? 'is a file, and has to be a folder' : 'is a link to /no/where, which is not there';
    const place = path.replace(/\/$/, '');
    expect(out).toContain(`failure InstallError cache ${place} ${what}; remove it, or set SOFTSEG_CACHE to another`);
    if (kind === 'file') expect(readFileSync(place, 'utf8')).toBe('mine');
    expect(loads('')).not.toContain('    at ');
  });

  test("in place of the library's folder, a file is replaced", async () => {
    mkdirSync(project.cache);
    writeFileSync(inCache('tiny-1.0'), '');
    expect((await project.install()).out).toContain('"by":"wheel"');
  });

  test('in place of the folder in node_modules, a file is named', async () => {
    mkdirSync(join(project.packageFolder, 'lib'));
    writeFileSync(bindingFolder(), '');
    expect((await project.install()).out).toContain(
      `failure InstallError cache ${bindingFolder()} is a file, and has to be a folder; TensorFlow's library is linked`,
    );
  });

  test('in place of the cache, a file is named by load()', () => {
    writeFileSync(project.cache, '');
    expect(loads('')).toContain(
      `TensorFlow's library is not installed: ${project.cache} is a file, and has to be a folder; remove it, or set`,
    );
  });
});

describe('a disk on which the n-th write fails', () => {
  const hows: [Failing, 'ENOSPC' | 'EROFS' | 'EIO'][] = [
    ['from', 'EROFS'],
    ['from', 'ENOSPC'],
    ['short', 'ENOSPC'],
    ['once', 'EIO'],
  ];
  // These runs do not compile softseg's op, whose failure would be reported and nothing more.
  const places = wholeCorpus ? Array.from({ length: 24 }, (_, i) => i + 1) : [1, 4, 9];

  test.each(hows)(
    '(%s, with %s) is reported as such, loses nothing good, and the next run succeeds',
    async (how, error) => {
      const said: Record<string, string[]> = {};
      for (const below of [project.cache, project.packageFolder]) {
        for (const at of places) {
          const { out, code } = await project.install({}, failing.env(below, at, how, error));
          const last = out.trim().split('\n').at(-1)!;
          const good = /^result|^failure InstallError (disk|permission|unpack|network|compiler) /.test(last);
          if (!good || code !== 0 || last.includes('run it again')) (said[`${below} ${at}`] ??= []).push(last);
          if (last.startsWith('result')) {
            rmSync(project.cache, { recursive: true });
            rmSync(join(project.packageFolder, 'lib'), { recursive: true });
          }
        }
        expect((await project.install()).out).toContain('"kernels":"fused native"');
        expect(readdirSync(inCache('staging'))).toEqual([]);
        expect(existsSync(inCache('lock'))).toBe(false);
        rmSync(join(project.packageFolder, 'lib'), { recursive: true });
      }
      expect(said).toEqual({});
    },
  );
});
