import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  symlinkSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { seal } from '../../src/backend/provision/seal.js';
import { makeFakeProject, type FakeProject } from './fakes.js';
import { until } from './project.js';

// The tests start processes, possibly on busy machines.
jest.setTimeout(60_000);

let project: FakeProject;
beforeEach(() => {
  project = makeFakeProject();
});
afterEach(() => project.remove());

const inCache = (...parts: string[]) => join(project.cache, ...parts);
const list = (folder: string) => (existsSync(folder) ? readdirSync(folder).sort() : []);
const isAlive = (pid: number) => {
  try {
    process.kill(pid, 0);
    return !readFileSync(`/proc/${pid}/stat`, 'utf8').includes(') Z ');
  } catch {
    return false;
  }
};
const ops = () => list(project.cache).filter((name) => name.startsWith('softseg-op-'));
const complete = ['staging', 'tfjs-node-1.2.3-r3-tiny-1.0', 'tiny-1.0', 'trials', 'wheels'];

function expectComplete(): void {
  expect(list(project.cache)).toEqual([...ops(), ...complete]);
  expect(ops()).toEqual([expect.stringMatching(/^softseg-op-[0-9a-f]{12}-tiny-1\.0$/)]);
  expect(list(inCache(ops()[0] ?? ''))).toEqual(['contents.json', 'softseg_op.node']);
  expect(list(inCache('tfjs-node-1.2.3-r3-tiny-1.0'))).toEqual(['contents.json', 'tfjs_binding.node']);
  expect(list(inCache('staging'))).toEqual([]);
  expect(list(inCache('wheels'))).toEqual([]);
  expect(list(inCache('tiny-1.0'))).toEqual(['contents.json', 'tensorflow']);
  expect(lstatSync(project.binding).isSymbolicLink()).toBe(true);
  expect(list(join(project.packageFolder, 'lib', 'napi-v8'))).toEqual(['tfjs_binding.node']);
}

function expectNothingKept(): void {
  for (const folder of [inCache('staging'), inCache('wheels')]) expect(list(folder)).toEqual([]);
  expect(list(project.cache).filter((name) => complete.slice(1, 3).includes(name) || name === 'lock')).toEqual([]);
  expect(list(project.packageFolder)).toEqual(['binding', 'index.js', 'package.json', 'scripts']);
  expect(list(join(project.folder, 'node_modules', '@tensorflow'))).toEqual(['tfjs-node']);
}

describe('an installation', () => {
  test('downloads, unpacks, compiles and links, and reports progress', async () => {
    const { out } = await project.install({}, { FAKE_PIP_SECONDS: '1' });
    expect(out).toContain('"by":"wheel"');
    expect(out).toContain('"version":"9.9.9"');
    expect(out).toMatch(/progress fetching tiny 1\.0 0\.[1-9]/);
    expect(out).toMatch(/progress unpacking tiny 1\b/);
    expect(out).toMatch(/progress compiling @tensorflow\/tfjs-node's binding with \S+ 1\b/);
    expect(out).toMatch(/progress compiling softseg's op with \S+ 1\b/);
    expect(out).toContain('"kernels":"fused native"');
    expectComplete();
    expect(existsSync(inCache('tiny-1.0', 'rest'))).toBe(false);
  });

  test('does nothing when the binding already runs', async () => {
    await project.install();
    expect((await project.install({}, { FAKE_PIP: 'network', CXX: 'none' })).out).toContain('"by":"already there"');
    expect(project.calls('pip')).toHaveLength(1);
  });

  test('uses the cache after the link is deleted, without pip or compiler', async () => {
    await project.install();
    rmSync(join(project.packageFolder, 'lib'), { recursive: true });
    const { out } = await project.install({}, { SOFTSEG_PYTHON: 'none', CXX: 'none' });
    expect(out).toContain('"by":"wheel"');
    expectComplete();
  });

  test('replaces a damaged library in the cache', async () => {
    await project.install();
    rmSync(join(project.packageFolder, 'lib'), { recursive: true });
    truncateSync(inCache('tiny-1.0', 'tensorflow', 'libtiny.so'), 10);
    expect((await project.install()).out).toContain('result');
    expect(project.calls('pip')).toHaveLength(2);
    expectComplete();
    expect(lstatSync(inCache('tiny-1.0', 'tensorflow', 'libtiny.so')).size).toBe(40_000);
  });

  const bindingFolder = () => inCache('tfjs-node-1.2.3-r3-tiny-1.0');

  test('recompiles a damaged binding in the cache', async () => {
    await project.install();
    const cached = join(bindingFolder(), 'tfjs_binding.node');
    writeFileSync(cached, 'a binding that runS');
    const { out } = await project.install();
    expect(out).toMatch(/note the present binding cannot be used \(\S+tfjs_binding\.node is not as it was installed/);
    expect(out).toContain('result');
    expect(readFileSync(cached, 'utf8')).toBe('a binding that runs');
    expect(project.calls('pip')).toHaveLength(1);
    expectComplete();
  });

  test('recompiles an undamaged binding in the cache that does not run', async () => {
    await project.install();
    writeFileSync(join(bindingFolder(), 'tfjs_binding.node'), 'junk');
    await seal(bindingFolder());
    const { out } = await project.install();
    expect(out).toContain('note the binding in the cache does not run (not a binding: junk); making it again');
    expect(out).toContain('result');
    expect(project.calls('pip')).toHaveLength(1);
    expectComplete();
  });

  test('keeps a binding that does not run if it cannot make a better one', async () => {
    await project.install();
    writeFileSync(join(bindingFolder(), 'tfjs_binding.node'), 'junk');
    await seal(bindingFolder());
    for (const env of [{ FAKE_CXX_FAILS: '1' }, { FAKE_BINDING: 'worse' }]) {
      expect((await project.install({}, env)).out).toMatch(/failure InstallError (compiler|binding)/);
      expect(readFileSync(join(bindingFolder(), 'tfjs_binding.node'), 'utf8')).toBe('junk');
      expect(list(inCache('staging'))).toEqual([]);
    }
  });

  test('restores a binding that a run moved aside before it was killed', async () => {
    await project.install();
    rmSync(join(project.packageFolder, 'lib'), { recursive: true });
    writeFileSync(join(bindingFolder(), 'tfjs_binding.node'), 'junk');
    await seal(bindingFolder());
    const before = project.calls('compiler').length;
    const running = project.begin({}, { FAKE_CXX_SECONDS: '30' });
    await until(() => project.calls('compiler').length > before, 'the compiler');
    running.child.kill('SIGKILL');
    await running.ended;
    expect(existsSync(bindingFolder())).toBe(false);
    expect((await project.install({}, { FAKE_CXX_FAILS: '1' })).out).toContain('failure InstallError compiler');
    expect(readFileSync(join(bindingFolder(), 'tfjs_binding.node'), 'utf8')).toBe('junk');
    expect(list(project.cache).filter((name) => name.endsWith('.kept'))).toEqual([]);
    expect((await project.install()).out).toContain('result');
    expectComplete();
  });

  test('uses the requested cache even where another one is linked and runs', async () => {
    await project.install();
    const cache = join(project.folder, 'another');
    const { out } = await project.install({ cache, cacheIsChosen: true });
    expect(out).toContain(`note the present binding cannot be used (it is in ${project.cache}, and SOFTSEG_CACHE is`);
    expect(out).toContain('"by":"wheel"');
    expect(realpathSync(project.binding).startsWith(cache)).toBe(true);
    expect((await project.install({ cache, cacheIsChosen: true })).out).toContain('"by":"already there"');
    expect((await project.install()).out).toContain('"by":"already there"');
  });

  test('downloads a damaged library again, wherever the damage is', async () => {
    await project.install();
    for (const file of ['tensorflow/libtiny.so', 'tensorflow/include/tiny.h', 'contents.json']) {
      const path = inCache('tiny-1.0', file);
      const before = readFileSync(path);
      writeFileSync(path, 'x');
      rmSync(bindingFolder(), { recursive: true }); // headers are used only where a binding is compiled
      const { out } = await project.install();
      expect(out).toContain("note TensorFlow's library is damaged: ");
      expect(readFileSync(path).length).toBe(before.length);
      expectComplete();
    }
    expect(project.calls('pip')).toHaveLength(4);
  });

  test('makes its own files where another version of softseg has made some, and leaves those alone', async () => {
    await project.install();
    const older = inCache('tfjs-node-1.2.3-r1-tiny-1.0');
    renameSync(bindingFolder(), older);
    rmSync(project.binding);
    symlinkSync(join(older, 'tfjs_binding.node'), project.binding);
    const { out } = await project.install();
    expect(out).toContain('was made by another version of softseg');
    expect(realpathSync(project.binding)).toBe(join(bindingFolder(), 'tfjs_binding.node'));
    expect(existsSync(older)).toBe(true);
  });

  test('puts no code into folders that others can write to', async () => {
    mkdirSync(project.cache);
    chmodSync(project.cache, 0o777);
    const { out } = await project.install();
    expect(out).toMatch(
      /failure InstallError permission everyone may write to \S+; .*chmod o-w.* or set SOFTSEG_CACHE/,
    );
    expect(list(project.cache)).toEqual([]);
  });

  test('lets nobody else write to its files, whatever the umask', async () => {
    const { out } = await project.install({ umask: 0 });
    expect(out).toContain('result');
    for (const entry of readdirSync(project.cache, { recursive: true, withFileTypes: true })) {
      const path = join(entry.parentPath, entry.name);
      expect({ path, others: lstatSync(path).mode & 0o022 }).toEqual({ path, others: 0 });
    }
  });

  test('sets aside a binding from elsewhere that does not run', async () => {
    mkdirSync(join(project.binding, '..'), { recursive: true });
    writeFileSync(project.binding, 'mine');
    expect((await project.install()).out).toContain('result');
    expect(readFileSync(`${project.binding}.before-softseg`, 'utf8')).toBe('mine');
  });
});

describe('an installation that fails', () => {
  test('deletes a file with the wrong checksum, and tries nothing else', async () => {
    const library = { ...project.library, wheel: { ...project.library.wheel, sha256: 'ab' } };
    const { out } = await project.install({ library }, { FAKE_INSTALLER: 'works' });
    expect(out).toMatch(/failure InstallError checksum tiny-1\.0-py3-none-any\.whl is not the file .* expected ab\)/);
    expectNothingKept();
  });

  test("shows pip's message when there is no network", async () => {
    const { out } = await project.install({}, { FAKE_PIP: 'network' });
    expect(out).toMatch(/failure InstallError network pip could not fetch tiny 1\.0; .*Network is unreachable/);
    expectNothingKept();
  });

  test('asks for disk space before it downloads anything', async () => {
    const { out } = await project.install({ free: 10 }, { FAKE_INSTALLER: 'works' });
    expect(out).toMatch(/failure InstallError disk not enough disk space .* 100 MB are needed, 0 MB are free/);
    expect(project.calls('pip')).toEqual([]);
    expectNothingKept();
  });

  test('says so when the disk fills up during the download', async () => {
    const { out } = await project.install({}, { FAKE_PIP: 'full' });
    expect(out).toMatch(/failure InstallError disk the disk that holds .* is full/);
    expectNothingKept();
  });

  test('keeps the library but no binding when the compiler fails', async () => {
    const { out } = await project.install({}, { FAKE_CXX_FAILS: '1' });
    expect(out).toMatch(/failure InstallError compiler .* does not compile: .*"a\.cc:1:2: error: this is no C\+\+"/);
    expect(list(project.cache)).toEqual(['staging', 'tiny-1.0', 'wheels']);
    expect(existsSync(project.binding)).toBe(false);
  });

  test('keeps no binding that does not run', async () => {
    const { out } = await project.install({}, { FAKE_BINDING: 'junk' });
    expect(out).toMatch(/failure InstallError binding .* does not run: not a binding: junk/);
    expect(existsSync(inCache('tfjs-node-1.2.3-r3-tiny-1.0'))).toBe(false);
    expect(existsSync(project.binding)).toBe(false);
  });

  test('names a file that is missing from the wheel', async () => {
    const { out } = await project.install({ library: { ...project.library, files: ['no/such'] } });
    expect(out).toMatch(/failure InstallError unpack .* does not contain no\/such/);
    expect(list(project.cache)).toEqual(['staging', 'wheels']);
    expect(list(inCache('staging'))).toEqual([]);
  });

  test('leaves an unknown platform to the installer of tfjs-node', async () => {
    const { out } = await project.install({ library: undefined }, { FAKE_INSTALLER: 'works' });
    expect(out).toMatch(/note softseg knows no TensorFlow library for/);
    expect(out).toContain(`"by":"tfjs-node's installer"`);
    expect(existsSync(join(project.packageFolder, 'deps', 'lib', 'half'))).toBe(true);
    expect(list(join(project.folder, 'node_modules', '@tensorflow'))).toEqual(['tfjs-node']);
  });

  test('stops a tfjs-node installer that hangs, and leaves the package unchanged', async () => {
    const env = { FAKE_PIP: 'network', FAKE_INSTALLER: 'hangs' };
    const { out } = await project.install({ ownInstallerTime: 300 }, env);
    expect(out).toContain('own installer took longer than 0 s and was ended');
    expect(out).toMatch(/failure InstallError network/);
    expectNothingKept();
  });
});

describe('installations that are killed or run at once', () => {
  test('killed during the download: pip ends too, and the next run cleans up and succeeds', async () => {
    const first = project.begin({}, { FAKE_PIP_SECONDS: '30' });
    await until(() => /fetching tiny 1\.0 0\.\d/.test(first.said()), 'a part of the wheel');
    first.child.kill('SIGKILL');
    await first.ended;
    expect(list(inCache('staging'))).toHaveLength(1);
    const [pip = 0] = project.calls('pip');
    await until(() => !isAlive(pip), 'the end of pip');

    expect((await project.install()).out).toContain('result');
    expectComplete();
  });

  test('killed while compiling: the next run uses the unpacked library', async () => {
    const first = project.begin({}, { FAKE_CXX_SECONDS: '5' });
    await until(() => project.calls('compiler').length > 0, 'the compiler');
    first.child.kill('SIGKILL');
    await first.ended;
    expect(existsSync(project.binding)).toBe(false);

    expect((await project.install({}, { FAKE_PIP: 'network' })).out).toContain('result');
    expectComplete();
  });

  test('killed before unpacking: the next run uses the verified wheel', async () => {
    mkdirSync(inCache('wheels'), { recursive: true });
    writeFileSync(inCache('wheels', 'tiny-1.0-py3-none-any.whl'), readFileSync(project.env['FAKE_WHEEL'] ?? ''));
    expect((await project.install({}, { FAKE_PIP: 'network' })).out).toContain('result');
    expectComplete();
  });

  test('two at once: the second waits, says so, and uses the files of the first', async () => {
    const first = project.begin({}, { FAKE_PIP_SECONDS: '1' });
    await until(() => first.said().includes('fetching'), 'the first');
    const second = project.begin();
    const said = await Promise.all([first.ended, second.ended]);
    expect(said.map(({ out }) => out.includes('result'))).toEqual([true, true]);
    expect(said[1]?.out).toMatch(
      new RegExp(`note another softseg installation \\(process ${first.child.pid}\\) is running; waiting for it`),
    );
    expect(project.calls('pip')).toHaveLength(1);
    expectComplete();
  });

  test('five at once do no harm', async () => {
    const all = await Promise.all([1, 2, 3, 4, 5].map(() => project.install()));
    expect(all.map(({ out }) => out.includes('result'))).toEqual(Array(5).fill(true));
    expect(project.calls('pip')).toHaveLength(1);
    expectComplete();
  });

  test('a lock without a sign of life is taken over', async () => {
    mkdirSync(project.cache, { recursive: true });
    writeFileSync(inCache('lock'), '7-othermachine-token');
    const longAgo = new Date(Date.now() - 60_000);
    utimesSync(inCache('lock'), longAgo, longAgo);
    expect((await project.install()).out).toContain('result');
    expectComplete();
  });

  test('SIGTERM ends pip, cleans up, and exits with 143', async () => {
    const running = project.start(['softseg', 'install-native'], { FAKE_PIP_SECONDS: '30' });
    await until(() => project.calls('pip').length > 0, 'pip');
    running.child.kill('SIGTERM');
    const { code, err } = await running.ended;
    expect(code).toBe(143);
    expect(err).toContain('softseg: interrupted; unfinished files were removed');
    const [pip = 0] = project.calls('pip');
    await until(() => !isAlive(pip), 'the end of pip');
    expectNothingKept();
  });
});

describe("softseg's own op", () => {
  test('is compiled for a binding that already runs', async () => {
    await project.install();
    rmSync(inCache(ops()[0] ?? ''), { recursive: true });
    const { out } = await project.install({}, { FAKE_PIP: 'network' });
    expect(out).toContain('"by":"already there"');
    expect(out).toContain('"kernels":"fused native"');
    expectComplete();
  });

  test('that does not compile leaves a working installation and a note', async () => {
    const { out } = await project.install({}, { FAKE_OP_FAILS: '-O3' });
    expect(out).toMatch(
      /note fused kernels: softseg's op does not compile: \S+ said "overlap\.cc:1:2: error: .*"; without them/,
    );
    expect(out).toContain('"by":"wheel"');
    expect(out).toContain('"kernels":"composed"');
    expect(list(project.cache)).toEqual(complete);
    expect(list(inCache('staging'))).toEqual([]);
  });

  test('is compiled for a generic processor where the compiler does not know this one', async () => {
    const { out } = await project.install({}, { FAKE_OP_FAILS: '-march=native' });
    expect(out).toContain('"kernels":"fused native"');
    expect(out).not.toContain('note');
    expectComplete();
  });

  test('is compiled by the run after one that was killed while compiling it', async () => {
    const first = project.begin({}, { FAKE_OP_SECONDS: '5' });
    await until(() => project.calls('op').length > 0, "the op's compiler");
    first.child.kill('SIGKILL');
    await first.ended;
    expect(existsSync(project.binding)).toBe(true);
    expect(ops()).toEqual([]);

    expect((await project.install({}, { FAKE_PIP: 'network' })).out).toContain('"kernels":"fused native"');
    expectComplete();
  });

  test('is compiled again after its sources have changed, and only then', async () => {
    await project.install();
    await project.install();
    const once = project.calls('op').length;
    const source = join(project.folder, 'node_modules/softseg/dist/native/softseg/overlap.cc');
    writeFileSync(source, `${readFileSync(source, 'utf8')}\n`);
    expect((await project.install()).out).toContain('"kernels":"fused native"');
    expect(project.calls('op')).toHaveLength(2 * once);
    expect(ops()).toHaveLength(2);
  });

  test('has a separate folder for each kind of processor and library', () => {
    const { out } = project.script(`
      import { cachedOp } from './node_modules/softseg/dist/backend/provision/op.js';
      const places = ['avx2', 'avx2', 'avx512'].map((features) => cachedOp('/', { key: 'a' }, features));
      places.push(cachedOp('/', { key: 'b' }, 'avx2'));
      console.log(JSON.stringify(places));
    `);
    const [first, second, third, fourth] = JSON.parse(out) as string[];
    expect(first).toBe(second);
    expect(new Set([first, third, fourth]).size).toBe(3);
  });

  test.each([
    ['junk', 'not an op: junk'],
    ['an op that is wrong', 'it computes wrong values: sums of 1 2 instead of 0.75 0.75 1 1'],
    ['an op that crashes', 'the process that tried them ended'],
  ])('that turns out to be %s is deleted, with a note', async (made, why) => {
    const { out } = await project.install({}, { FAKE_OP: made });
    expect(out).toContain(`note fused kernels: softseg's op was compiled but does not run: ${why}; without them`);
    expect(out).toContain('"kernels":"composed"');
    expect(ops()).toEqual([]);
  });

  test.each(['junk', 'an op that crashes'])('in the cache is compiled again when it is damaged (%s)', async (there) => {
    await project.install();
    writeFileSync(inCache(ops()[0] ?? '', 'softseg_op.node'), there);
    const { out } = await project.install();
    expect(out).toContain("note softseg's op in the cache is damaged: ");
    expect(out).toContain('"kernels":"fused native"');
    expectComplete();
  });

  test.each(['junk', 'an op that crashes'])(
    'in the cache is compiled again when it is sealed but is %s',
    async (there) => {
      await project.install();
      const folder = inCache(ops()[0] ?? '');
      writeFileSync(join(folder, 'softseg_op.node'), there);
      await seal(folder);
      const { out } = await project.install();
      expect(out).toMatch(/note softseg's op in the cache does not run \(.*\); compiling it again/);
      expect(out).toContain('"kernels":"fused native"');
      expectComplete();
    },
  );

  test('is not compiled for a TensorFlow that softseg did not install', async () => {
    mkdirSync(join(project.binding, '..'), { recursive: true });
    writeFileSync(project.binding, 'a binding that runs');
    const { out } = await project.install();
    expect(out).toMatch(
      /note fused kernels: the op needs the TensorFlow that softseg installs, and .* uses another one/,
    );
    expect(out).toContain('"kernels":"composed"');
    expect(project.calls('op')).toEqual([]);
  });
});
