/**
 * Runs native/ under AddressSanitizer, UndefinedBehaviorSanitizer and ThreadSanitizer on the random cases of
 * harness.cc, with the vectors of this processor and with narrower ones.
 */
import { afterAll, beforeAll, expect, jest, test } from '@jest/globals';
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { run } from '../../src/backend/system/processes.js';
import { provisionedCache } from '../backend/project.js';

// Compiling takes half a minute on an idle machine, and more on a busy one.
jest.setTimeout(400_000);

/** 'pairwise' in the quick suite, which has only the vectors of this processor. */
declare const TEST_CASES: 'all' | 'pairwise';

const root = join(__dirname, '..', '..');
/** Sources that depend on the width of vectors. */
const ofWidth = ['native/overlap.cc', 'test/native/arithmetic.cc'];
const others = [
  ...['tensorflow', 'wasm'].map((name) => `native/${name}.cc`),
  ...['harness', 'fakeTensorflow', 'cases', 'definition'].map((name) => `test/native/${name}.cc`),
];

const memory = {
  name: 'AddressSanitizer and UndefinedBehaviorSanitizer',
  folder: 'memory',
  flags: ['-fsanitize=address,undefined', '-fsanitize=float-cast-overflow', '-fno-sanitize-recover=all'],
};
const threads = { name: 'ThreadSanitizer', folder: 'threads', flags: ['-fsanitize=thread'] };
type Sanitizers = typeof memory;

interface Width {
  title: string;
  flag: string;
}
const own: Width = { title: "this processor's vectors", flag: '-march=native' };
const narrower: Width[] = [];
if (TEST_CASES === 'all' && process.arch === 'x64')
  narrower.push({ title: 'vectors of 4 floats', flag: '-march=x86-64' });
if (TEST_CASES === 'all' && process.arch === 'x64' && /\bavx2\b.*\bbmi2\b/.test(features()))
  narrower.push({ title: 'vectors of 8 floats', flag: '-march=haswell' });

function features(): string {
  return existsSync('/proc/cpuinfo') ? (/^flags\s*:.*$/m.exec(readFileSync('/proc/cpuinfo', 'utf8'))?.[0] ?? '') : '';
}

/** `SOFTSEG_SEED` repeats the cases of the run that had this seed. */
const drawnSeed = Number(process.env['SOFTSEG_SEED'] ?? Math.floor(Math.random() * 2 ** 31));
const fixedSeed = 1;

const env = {
  ...process.env,
  UBSAN_OPTIONS: 'print_stacktrace=1',
  TSAN_OPTIONS: 'halt_on_error=1',
  // Empty means as many threads as the machine has.
  OMP_NUM_THREADS: '',
  TF_NUM_INTRAOP_THREADS: '',
};

/** The compiler as `softseg install-native` would call it. */
interface Compiler {
  command: string;
  options: string[];
  include: string[];
}

function compilerOfInstaller(): Compiler {
  const cache = provisionedCache();
  if (!cache) throw new Error("TensorFlow's headers are not there: run `npm run provision`");
  if (!existsSync(join(root, 'dist', 'backend'))) throw new Error('dist is not built: run `npm run build`');
  // Node runs this script, because these modules use import.meta, which jest cannot load.
  const script = `
    import { libraryOf } from './dist/backend/provision/binding.js';
    import { findCompilers } from './dist/backend/provision/compile.js';
    import { nodeApiHeaders } from './dist/backend/system/paths.js';
    import { opFlags } from './dist/backend/provision/op.js';
    const [[command, ...options]] = await findCompilers({ env: process.env });
    const { key } = libraryOf('@tensorflow/tfjs-node');
    console.log(JSON.stringify({ command, options: [...options, ...opFlags], include: [nodeApiHeaders, key] }));
  `;
  const printed = execFileSync(process.execPath, ['--input-type=module', '-e', script], {
    cwd: root,
    encoding: 'utf8',
  });
  const { command, options, include } = JSON.parse(printed) as Compiler;
  const [headers = '', key = ''] = include;
  return { command, options, include: [join(root, 'native'), headers, join(cache, key, 'tensorflow', 'include')] };
}

let folder = '';
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'softseg-sanitizers-'));
  const compiler = compilerOfInstaller();
  const ofNarrower = narrower.map((width): [Sanitizers, Width] => [memory, width]);
  const builds: [Sanitizers, Width][] = [[memory, own], [threads, own], ...ofNarrower];
  const steps = [memory, threads].flatMap((sanitizers) =>
    others.map((source) => () => compile(compiler, sanitizers, source, own, sanitizers.folder)),
  );
  for (const [sanitizers, width] of builds)
    for (const source of ofWidth)
      steps.unshift(() => compile(compiler, sanitizers, source, width, placeOf(sanitizers, width)));
  await two(steps);
  const links = builds.map((build) => () => link(compiler, ...build));
  await two(links);
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const placeOf = ({ folder }: Sanitizers, { flag }: Width): string => `${folder}${flag}`;
const objectOf = (place: string, source: string): string => join(folder, place, `${basename(source, '.cc')}.o`);

function compile(compiler: Compiler, sanitizers: Sanitizers, source: string, { flag }: Width, place: string) {
  mkdirSync(join(folder, place), { recursive: true });
  return succeed(sanitizers, compiler, [
    // The last -O option counts.
    ...['-O1', '-g', '-Wno-attributes', flag, ...sanitizers.flags, ...compiler.include.flatMap((path) => ['-I', path])],
    ...['-c', join(root, source), '-o', objectOf(place, source)],
  ]);
}

function link(compiler: Compiler, sanitizers: Sanitizers, width: Width) {
  const place = placeOf(sanitizers, width);
  const objects = [
    ...ofWidth.map((source) => objectOf(place, source)),
    ...others.map((source) => objectOf(sanitizers.folder, source)),
  ];
  const output = ['-o', join(folder, place, 'harness')];
  return succeed(sanitizers, compiler, ['-pthread', ...sanitizers.flags, ...objects, ...output, '-ldl']);
}

async function succeed({ name }: Sanitizers, { command, options }: Compiler, args: string[]): Promise<void> {
  const { code, output } = await run(command, [...options, ...args], { env });
  if (code === 0) return;
  throw new Error(
    `${command} does not compile test/native with ${name}, without which native/ is not tested; its libraries ` +
      `(libasan, libubsan, libtsan) come with g++ on Debian and Ubuntu. It said:\n${output.slice(0, 2000)}`,
  );
}

/** Runs the steps, two at a time. */
async function two(steps: (() => Promise<unknown>)[]): Promise<void> {
  const left = [...steps];
  const work = async () => {
    for (let step = left.shift(); step; step = left.shift()) await step();
  };
  await Promise.all([work(), work()]);
}

/** Runs the harness. ThreadSanitizer of older compilers fails on newer kernels unless addresses are not randomized. */
async function harness(sanitizers: Sanitizers, width: Width, args: (string | number)[]) {
  const words = [join(folder, placeOf(sanitizers, width), 'harness'), ...args.map(String)];
  const said = await run(words[0]!, words.slice(1), { env });
  if (!said.output.includes('unexpected memory mapping')) return said;
  return run('setarch', ['-R', ...words], { env });
}

const runs: [Sanitizers, Width, seed: number, cases: number][] = [
  [memory, own, fixedSeed, 500],
  [memory, own, drawnSeed, 500],
  ...narrower.map((width): [Sanitizers, Width, number, number] => [memory, width, fixedSeed, 250]),
  [threads, own, fixedSeed, 30],
  [threads, own, drawnSeed, 30],
];
for (const [sanitizers, width, seed, cases] of runs)
  test(`${sanitizers.name} finds nothing: ${width.title}, ${cases} cases of seed ${seed}`, async () => {
    const { code, output } = await harness(sanitizers, width, [seed, cases]);
    expect(output.trim().split('\n')).toEqual([
      expect.stringMatching(width === own ? /^vectors of \d+ floats$/ : `^${width.title}$`),
      `${cases} cases of seed ${seed}`,
    ]);
    expect(code).toBe(0);
  });

const faults: [Sanitizers, kind: string, report: string][] = [
  [memory, 'heap', 'AddressSanitizer: heap-buffer-overflow'],
  [memory, 'arithmetic', 'signed integer overflow'],
  [threads, 'race', 'ThreadSanitizer: data race'],
];
for (const [sanitizers, kind, report] of faults)
  test(`${sanitizers.name} finds an intended fault (${kind})`, async () => {
    const { code, output } = await harness(sanitizers, own, ['fault', kind]);
    expect(output).toContain(report);
    expect(code).not.toBe(0);
  });
