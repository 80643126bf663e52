/** load() with a cache that is damaged, or that others can write to: it never crashes, and says what is wrong. */
import { afterAll, beforeAll, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { execFileSync, spawnSync } from 'node:child_process';
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { damageIn, seal } from '../../src/backend/provision/seal.js';
import { damaged } from '../damage/damaged.js';
import { compileCrash, copyCache, demandProvisioned, type OwnCache } from './ownCache.js';
import { makeProject, type Project } from './project.js';

// The tests start processes, possibly on busy machines.
jest.setTimeout(300_000);

let real: string;
let libraryName: string;
let project: Project;
let crashing: string;
beforeAll(() => {
  ({ cache: real, library: libraryName } = demandProvisioned());
  project = makeProject([
    '@tensorflow/tfjs-core',
    '@tensorflow/tfjs',
    '@tensorflow/tfjs-backend-wasm',
    '@tensorflow/tfjs-node',
  ]);
  crashing = compileCrash();
});
afterAll(() => {
  project?.remove();
  rmSync(join(crashing, '..'), { recursive: true });
});

let inCache: OwnCache['path'];
let binding: string;
let op: string;
beforeEach(() => void ({ path: inCache, binding, op } = copyCache(project)));

interface Loaded {
  backend: string;
  kernels: string;
  reasons: string[];
}

function load(env: NodeJS.ProcessEnv = {}): Loaded {
  const { code, out, err } = project.script(
    "import { load } from 'softseg/node'; console.log(JSON.stringify(await load()));",
    env,
  );
  if (code !== 0) throw new Error(`load() ended with ${code}: ${err}`);
  return JSON.parse(out) as Loaded;
}

const native = { backend: 'tensorflow', kernels: 'fused native' };
const again = 'run `npx softseg install-native` to make it again';

test('an undamaged cache works in any folder', () => {
  expect(load()).toMatchObject(native);
});

describe('damage', () => {
  test('to any byte of the op or the binding, or to their length, is detected', async () => {
    for (const file of [op, binding]) {
      const folder = join(file, '..');
      const bytes = readFileSync(file);
      expect(await damageIn(folder)).toBeUndefined();
      for (const { what, bytes: other } of damaged(bytes, { some: 25, most: 20_000 })) {
        writeFileSync(file, other);
        expect({ what, damage: await damageIn(folder) }).toEqual({ what, damage: expect.stringContaining(file) });
      }
    }
  });

  test.each([
    ['cut off', (bytes: Buffer) => bytes.subarray(0, 4096)],
    ['flipped', (bytes: Buffer) => bytes.map((byte, i) => (i % 512 === 0 ? byte ^ 0xff : byte))],
    ['empty', () => Buffer.alloc(0)],
  ])('to the op (%s) leads to composed kernels', (_, change) => {
    writeFileSync(op, change(readFileSync(op)));
    const { backend, kernels, reasons } = load();
    expect({ backend, kernels }).toEqual({ backend: 'tensorflow', kernels: 'composed' });
    expect(reasons.at(-1)).toMatch(/^fused kernels: \S+softseg_op\.node (has \d+ bytes instead of|is not as it was)/);
    expect(reasons.at(-1)).toContain(again);
  });

  test.each([
    ['cut off', (bytes: Buffer) => bytes.subarray(0, 4096)],
    ['flipped', (bytes: Buffer) => bytes.map((byte, i) => (i % 512 === 0 ? byte ^ 0xff : byte))],
  ])('to the binding (%s) leads to wasm', (_, change) => {
    writeFileSync(binding, change(readFileSync(binding)));
    const { backend, reasons } = load();
    expect(backend).toBe('wasm');
    expect(reasons[1]).toMatch(/^native: \S+tfjs_binding\.node (has \d+ bytes instead of|is not as it was)/);
    expect(reasons[1]).toContain(again);
  });

  test('to the library (cut off, changed or missing) leads to wasm', () => {
    const folder = inCache(libraryName);
    const file = 'tensorflow/libtensorflow_framework.so.2';
    rmSync(folder);
    mkdirSync(join(folder, 'tensorflow'), { recursive: true, mode: 0o755 });
    for (const part of ['contents.json', 'tensorflow/libtensorflow_cc.so.2']) {
      symlinkSync(join(real, libraryName, part), join(folder, part));
    }
    const whole = readFileSync(join(real, libraryName, file));
    const changed = Buffer.from(whole);
    changed[whole.length >> 1]! ^= 1;
    for (const bytes of [whole.subarray(0, whole.length >> 1), changed]) {
      writeFileSync(join(folder, file), bytes);
      const { backend, reasons } = load();
      expect(backend).toBe('wasm');
      expect(reasons[1]).toContain(`native: ${join(folder, file)} `);
      expect(reasons[1]).toContain(again);
    }
    rmSync(join(folder, file));
    expect(load()).toMatchObject({ backend: 'wasm' });
  });

  test("to the list of a folder's files makes load() ignore the folder", () => {
    for (const [file, name] of [
      [binding, 'native: '],
      [op, 'fused kernels: '],
    ] as const) {
      const list = join(file, '..', 'contents.json');
      const text = readFileSync(list, 'utf8');
      writeFileSync(list, text.replace(/"sha256": "../, '"sha256": "zz'));
      expect(load().reasons.find((line) => line.startsWith(name))).toContain('contents.json does not list what was');
      writeFileSync(list, text);
    }
    expect(load()).toMatchObject(native);
  });
});

describe('a first start', () => {
  test('runs in a process of its own, so a binding that crashes leads to wasm', async () => {
    cpSync(crashing, binding);
    await seal(join(binding, '..'));
    const { backend, reasons } = load();
    expect(backend).toBe('wasm');
    expect(reasons[1]).toMatch(/^native: TensorFlow's library does not run \(.* ended with SIGSEGV/);
  });

  test('with an op that crashes leads to composed kernels', async () => {
    cpSync(crashing, op);
    await seal(join(op, '..'));
    const { backend, kernels, reasons } = load();
    expect({ backend, kernels }).toEqual({ backend: 'tensorflow', kernels: 'composed' });
    expect(reasons.at(-1)).toContain('the op does not run (the process that tried them ended)');
  });

  test('that succeeds is noted, and not repeated', () => {
    rmSync(inCache('trials'), { recursive: true });
    const start = () =>
      project.script(
        `import child from 'node:child_process';
        import { syncBuiltinESMExports } from 'node:module';
        const { fork } = child;
        child.fork = (...args) => (console.log('tried'), fork(...args));
        syncBuiltinESMExports();
        const { load } = await import('softseg/node');
        console.log((await load()).kernels);`,
      ).out;
    expect(start()).toBe('tried\nfused native\n');
    expect(readdirSync(inCache('trials'))).toHaveLength(2);
    expect(start()).toBe('fused native\n');
  });

  test('that cannot be noted is repeated each time', () => {
    rmSync(inCache('trials'), { recursive: true });
    writeFileSync(inCache('trials'), 'a file in the way');
    expect(load()).toMatchObject(native);
    expect(load()).toMatchObject(native);
  });
});

test('another library of the same name on LD_LIBRARY_PATH is not loaded', () => {
  const folder = join(project.folder, 'other');
  mkdirSync(folder);
  const name = 'libtensorflow_framework.so.2';
  writeFileSync(join(folder, name), readFileSync(join(real, libraryName, 'tensorflow', name)).subarray(0, 3_000_000));
  expect(load({ LD_LIBRARY_PATH: folder })).toMatchObject(native);
});

test('a program that calls load() in each of its processes starts one trial, not one per process', () => {
  rmSync(inCache('trials'), { recursive: true });
  const counted = join(project.folder, 'started');
  const preload = join(project.folder, 'preload.mjs');
  writeFileSync(
    preload,
    `import { appendFileSync } from 'node:fs';
    appendFileSync('${counted}', process.argv[1] + '\\n');
    const { load } = await import('softseg/node');
    await load();`,
  );
  const { code } = project.script('', { NODE_OPTIONS: `--import ${preload}` });
  expect(code).toBe(0);
  const started = readFileSync(counted, 'utf8').trim().split('\n');
  expect(started.filter((line) => line.includes('probeChild.js'))).toHaveLength(1);
});

test('a process that may not start others loads an undamaged cache', () => {
  rmSync(inCache('trials'), { recursive: true });
  const rights = ['--allow-fs-read=*', '--allow-fs-write=*', '--allow-worker', '--allow-addons'];
  const flag = process.allowedNodeEnvironmentFlags.has('--permission') ? '--permission' : '--experimental-permission';
  const script = join(project.folder, 'app.mjs');
  writeFileSync(script, "import { load } from 'softseg/node'; console.log((await load()).kernels);");
  const ran = spawnSync(process.execPath, [flag, ...rights, script], {
    cwd: project.folder,
    env: project.env,
    encoding: 'utf8',
  });
  expect(ran.stdout).toBe('fused native\n');
});

test('a trial process that fails before the trial does not condemn the library', () => {
  rmSync(inCache('trials'), { recursive: true });
  const module = join(project.folder, 'node_modules/softseg/dist/backend/probeChild.js');
  const text = readFileSync(module);
  writeFileSync(module, "console.error('error: no memory'); process.exit(3);");
  try {
    const { backend, reasons } = load();
    expect(backend).toBe('wasm');
    expect(reasons[1]).toBe(
      "native: TensorFlow's library was not tried: the child process did not start and ended with 3: " +
        '"error: no memory"; its memory, or the number of processes, may be limited',
    );
  } finally {
    writeFileSync(module, text);
  }
  expect(load()).toMatchObject(native);
});

test("a trial's note that is a pipe is not waited for, and one that is a link is not written through", () => {
  load();
  const notes = readdirSync(inCache('trials'));
  for (const name of notes) {
    rmSync(inCache('trials', name));
    execFileSync('mkfifo', [inCache('trials', name)]);
  }
  expect(load()).toMatchObject(native);
  const target = join(project.folder, 'written');
  for (const name of notes) {
    rmSync(inCache('trials', name));
    symlinkSync(target, inCache('trials', name));
  }
  expect(load()).toMatchObject(native);
  expect(existsSync(target)).toBe(false);
});

test('a link to a device in place of a file is reported as damage to the file, not to the device', () => {
  rmSync(op);
  symlinkSync('/dev/null', op);
  expect(load().reasons.at(-1)).toBe(`fused kernels: ${op} is not a file; ${again}`);
});

describe('a cache that others can change', () => {
  test.each([
    ['the cache', () => project.cache, 'native: '],
    ["the binding's folder", () => join(binding, '..'), 'native: '],
    ['the binding', () => binding, 'native: '],
    ['the op', () => op, 'fused kernels: '],
  ])('is ignored when everyone may write to %s', (_, where, name) => {
    load(); // creates the link
    chmodSync(where(), 0o777);
    const { reasons } = load();
    const reason = reasons.find((line) => line.startsWith(name));
    expect(reason).toBe(`${name}everyone may write to ${where()}; remove that right (chmod o-w)`);
    expect(existsSync(binding)).toBe(true);
  });
});

describe('softseg doctor', () => {
  const doctor = (...args: string[]) => project.cli(['doctor', ...args]);

  test('names a damaged piece and exits with code 1', () => {
    load();
    expect(doctor().code).toBe(0);
    for (const file of [op, binding]) {
      const bytes = readFileSync(file);
      writeFileSync(file, bytes.subarray(0, 4096));
      const { code, out } = doctor();
      expect(code).toBe(1);
      const [problem, ...others] = out.split('Problems:\n')[1]!.trim().split('\n');
      expect(problem).toContain(`${file} has 4096 bytes instead of ${bytes.length}; ${again}`);
      expect(others).toEqual([]);
      writeFileSync(file, bytes);
    }
  });

  test('with --verify reads the files of which load() checks only size and time', () => {
    const folder = inCache(libraryName);
    rmSync(folder);
    cpSync(join(real, libraryName), folder, { recursive: true, filter: (path) => !path.includes('.so') });
    for (const name of ['libtensorflow_cc.so.2', 'libtensorflow_framework.so.2']) {
      symlinkSync(join(real, libraryName, 'tensorflow', name), join(folder, 'tensorflow', name));
    }
    load();
    const whole = doctor('--verify');
    expect(whole.code).toBe(0);
    expect(whole.out).toContain(`- TensorFlow's library: whole, in ${folder}`);
    expect(whole.err).toMatch(/checking TensorFlow's library \[#+\]100% \d+ MB/);

    const header = join(folder, 'tensorflow/include/tensorflow/c/c_api.h');
    writeFileSync(header, `${readFileSync(header, 'utf8')} `);
    expect(doctor().code).toBe(0);
    const { code, out } = doctor('--verify');
    expect(code).toBe(1);
    expect(out).toContain(`- TensorFlow's library: ${header} has `);
    expect(out).toContain(again);
    const { verified } = JSON.parse(doctor('--verify', '--json').out) as { verified: { fault?: unknown }[] };
    expect(verified.map(({ fault }) => fault !== undefined)).toEqual([true, false, false]);
  });
});

test('a binding made by another version of softseg is not loaded', () => {
  load();
  const older = join(binding, '..').replace('-r3-', '-r1-');
  renameSync(join(binding, '..'), older);
  const link = join(project.folder, 'node_modules/@tensorflow/tfjs-node/lib/napi-v8/tfjs_binding.node');
  rmSync(link);
  symlinkSync(join(older, 'tfjs_binding.node'), link);
  const { backend, reasons } = load();
  expect(backend).toBe('wasm');
  expect(reasons[1]).toContain(`was made by another version of softseg; ${again}`);
});

test('the binding and the op look for the library relative to themselves, then where it was at compile time', () => {
  for (const file of [binding, op]) {
    // LD_LIBRARY_PATH is searched after RPATH, but before RUNPATH.
    const [, places = ''] =
      /\(RPATH\).*\[(.*)\]/.exec(execFileSync('readelf', ['-d', file], { encoding: 'utf8' })) ?? [];
    expect(places.split(':')).toEqual([`$ORIGIN/../${libraryName}/tensorflow`, join(real, libraryName, 'tensorflow')]);
  }
});
