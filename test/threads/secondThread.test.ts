/** The second thread of the passes on tfjs's plain JavaScript backend. */
import { afterEach, describe, expect, jest, test } from '@jest/globals';
import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { Worker, type WorkerOptions } from 'node:worker_threads';
import ts from 'typescript';
import type { TensorInfo } from '@tensorflow/tfjs-core';
import type * as HelperModule from '../../src/kernels/cpu/helper.js';
import type * as MachineModule from '../../src/kernels/cpu/machine.js';
import type * as PassesModule from '../../src/kernels/cpu/passes.js';
import type * as PiecesModule from '../../src/kernels/cpu/pieces.js';
import { passesThrough, type Request } from '../../src/kernels/module/request.js';
import { computeAll, type Bench, type PassCase } from '../kernels/passCases.js';

/** Fresh copies of the source files, as at the start of a process. */
function fresh() {
  let loaded: typeof HelperModule & typeof MachineModule & typeof PassesModule & typeof PiecesModule;
  jest.isolateModules(() => {
    const load = (name: string): object => jest.requireActual(`../../src/kernels/cpu/${name}.js`);
    loaded = Object.assign({}, ...['helper', 'machine', 'passes', 'pieces'].map(load)) as typeof loaded;
  });
  return loaded!;
}

/** Replaces Node, as softseg sees it, by a machine with two cores, and returns the workers made on it. */
function onTwoCores(makeWorker = (source: string, options: WorkerOptions) => new Worker(source, options)): Worker[] {
  const workers: Worker[] = [];
  const threads = {
    Worker: class {
      constructor(source: string, options: WorkerOptions) {
        const worker = makeWorker(source, options);
        workers.push(worker);
        return worker;
      }
    },
  };
  const modules: Record<string, unknown> = {
    'node:os': { availableParallelism: () => 2 },
    'node:worker_threads': threads,
  };
  jest.spyOn(process, 'getBuiltinModule').mockImplementation(((name: string) => modules[name]) as never);
  return workers;
}

afterEach(() => {
  jest.restoreAllMocks();
});

/** The parts of a backend that the passes need, over plain arrays. */
function fakeBackend() {
  const data = new Map<object, { values: Float32Array }>();
  const makeTensorInfo: Bench['put'] = (values, shape, dtype) => {
    const dataId = {};
    data.set(dataId, { values: values as Float32Array });
    return { dataId, shape, dtype };
  };
  const bench: Bench = {
    put: (...tensor) => makeTensorInfo(...tensor),
    take: ({ dataId }) => data.get(dataId)!.values,
  };
  return { backend: { data, makeTensorInfo } as never, bench, data };
}

const large = (classesFirst: boolean): PassCase => ({
  samples: 2,
  pixels: 20_000,
  classes: 5,
  labelKind: 'float32',
  classesFirst,
  weighted: true,
});

// On a busy machine the second thread gets little time.
jest.setTimeout(60_000);

const turn = () => new Promise((resolve) => setTimeout(resolve, 5));

test.each([false, true])('two threads give the same bits as one, classes first: %s', async (classesFirst) => {
  onTwoCores();
  const { makeMachine, runJob, jobOf } = fresh();
  const { bench, data } = fakeBackend();
  /** Runs passes on a machine, and counts the pieces that the main thread left to the other one. */
  const passesOn = (mayHaveHelper: boolean) => {
    const machine = makeMachine(mayHaveHelper)!;
    const { functions } = machine;
    let own = 0;
    const counted = (name: 'overlapSums' | 'entropyMap' | 'overlapGradient') => ({
      [name]: (...args: number[]) => {
        own++;
        (functions[name] as (...args: number[]) => void)(...args);
      },
    });
    machine.functions = {
      ...functions,
      ...counted('overlapSums'),
      ...counted('entropyMap'),
      ...counted('overlapGradient'),
    };
    const left = { pieces: 0 };
    const run = (request: Request): TensorInfo => {
      const output = new Float32Array(request.shape.reduce((product, size) => product * size, 1));
      const job = jobOf(machine, request, ({ dataId }) => data.get(dataId)!.values, output);
      own = 0;
      expect(runJob(machine, job)).toBe(true);
      left.pieces += job.pieces - own;
      return bench.put(output, request.shape, 'float32');
    };
    return { passes: { name: 'fused wasm' as const, ...passesThrough(run) }, left };
  };

  const alone = passesOn(false);
  const expected = computeAll(alone.passes, large(classesFirst), bench);
  expect(alone.left.pieces).toBe(0);
  const together = passesOn(true);
  for (let round = 0; round < 400 && together.left.pieces < 20; round++) {
    expect(computeAll(together.passes, large(classesFirst), bench)).toEqual(expected);
    await turn();
  }
  expect(together.left.pieces).toBeGreaterThanOrEqual(20);
});

function onCpu(): void {
  const expected = () => {
    jest.spyOn(process, 'getBuiltinModule').mockReturnValue(undefined as never);
    const { backend, bench } = fakeBackend();
    const all = computeAll(fresh().cpuPasses(backend)!, large(false), bench);
    jest.restoreAllMocks();
    return all;
  };

  test('a small pass starts no thread', () => {
    const workers = onTwoCores();
    const { backend, bench } = fakeBackend();
    computeAll(fresh().cpuPasses(backend)!, { ...large(false), pixels: 1000 }, bench);
    expect(workers).toHaveLength(0);
  });

  test('SOFTSEG_THREADS=1 starts no thread', () => {
    const wanted = expected();
    const workers = onTwoCores();
    const { backend, bench } = fakeBackend();
    const passes = fresh().cpuPasses(backend)!;
    process.env['SOFTSEG_THREADS'] = '1';
    try {
      expect(computeAll(passes, large(false), bench)).toEqual(wanted);
    } finally {
      delete process.env['SOFTSEG_THREADS'];
    }
    expect(workers).toHaveLength(0);
  });

  test.each([
    ['threads are forbidden', () => Promise.reject as never],
    [
      'a thread fails at once',
      (_: string, options: WorkerOptions) => new Worker('throw new Error("no")', { ...options, stderr: true }),
    ],
    ['a thread ends at once', (_: string, options: WorkerOptions) => new Worker('', options)],
  ])('where %s, the main thread does all the work', async (_, makeWorker) => {
    const wanted = expected();
    const workers = onTwoCores(makeWorker);
    const { backend, bench } = fakeBackend();
    const passes = fresh().cpuPasses(backend)!;
    for (let round = 0; round < 3; round++) {
      expect(computeAll(passes, large(false), bench)).toEqual(wanted);
      await turn();
    }
    for (const worker of workers) await worker.terminate?.();
  });

  test('a thread that dies during its work costs some time and nothing else', async () => {
    const wanted = expected();
    const { PUBLISHED, TAKEN } = fresh();
    const thief = `
      const { memory } = process.getBuiltinModule('node:worker_threads').workerData;
      const words = new Int32Array(memory.buffer, 0, 16);
      for (const end = Date.now() + 20000; Date.now() < end; ) {
        const taken = Atomics.load(words, ${TAKEN});
        if (Atomics.load(words, ${PUBLISHED}) === taken) continue;
        if (Atomics.compareExchange(words, ${TAKEN}, taken, taken + 1) === taken) break;
      }`;
    const workers = onTwoCores((_, options) => new Worker(thief, options));
    const { backend, bench } = fakeBackend();
    const passes = fresh().cpuPasses(backend)!;
    expect(computeAll(passes, large(false), bench)).toEqual(wanted);
    let gone = false;
    void once(workers[0]!, 'exit').then(() => (gone = true));
    for (let round = 0; round < 400 && !gone; round++) {
      expect(computeAll(passes, large(false), bench)).toEqual(wanted);
      await turn();
    }
    expect(gone).toBe(true);
    expect(computeAll(passes, large(false), bench)).toEqual(wanted);
    expect(workers).toHaveLength(1);
  });

  test('a process with a second thread ends when its work is done', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'softseg-test-'));
    try {
      compileInto(folder, 'kernels/cpu/passes');
      const main = `
        import os from 'node:os';
        import threads from 'node:worker_threads';
        import { cpuPasses } from './kernels/cpu/passes.mjs';
        os.availableParallelism = () => 2;
        let online = false;
        threads.Worker = class extends threads.Worker {
          constructor(...args) {
            super(...args);
            this.once('online', () => (online = true));
          }
        };
        const values = new Float32Array(1000000).fill(0.5);
        const data = new Map([[1, { values }]]);
        const makeTensorInfo = (shape, dtype, values) => values;
        const passes = cpuPasses({ data, makeTensorInfo });
        const x = { dataId: 1, shape: [1, 200000, 5] };
        const none = { labelSmoothing: 0, posWeight: null, subtractEntropy: false, focal: null };
        const entropy = { kind: 'categorical', ...none };
        const pass = { samples: 1, pixels: 200000, classes: 5, classesFirst: false, labelKind: 'float32' };
        const run = () =>
          passes.sums({ predictions: x, labels: x, weights: null },
            { ...pass, activation: 'none', sharpness: 1, entropy }, ['predicted']);
        while (!online) {
          run();
          await new Promise((resolve) => setTimeout(resolve, 5));
        }
        for (let i = 0; i < 20; i++) run();
        process.stdout.write(run().join() + ' ' + Date.now());
      `;
      writeFileSync(join(folder, 'main.mjs'), main);
      const { stdout, stderr } = await promisify(execFile)(process.execPath, [join(folder, 'main.mjs')]);
      const [sums, end] = stdout.split(' ');
      expect(sums).toBe(Array(5).fill(100_000).join());
      expect(stderr).toBe('');
      // A waiting thread would keep the process longer than this.
      expect(Date.now() - Number(end)).toBeLessThan(5000);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });
}

/** Compiles a file of src and everything that it imports. */
function compileInto(folder: string, name: string, done = new Set<string>()): void {
  if (done.has(name)) return;
  done.add(name);
  const source = readFileSync(join(__dirname, `../../src/${name}.ts`), 'utf8');
  const { outputText } = ts.transpileModule(source, {
    compilerOptions: { module: ts.ModuleKind.ESNext, target: ts.ScriptTarget.ES2022, verbatimModuleSyntax: true },
  });
  const own = /((?:from |import\()'(\..*))\.js'/g;
  for (const [, , path = ''] of outputText.matchAll(own)) compileInto(folder, join(dirname(name), path), done);
  mkdirSync(dirname(join(folder, `${name}.mjs`)), { recursive: true });
  writeFileSync(join(folder, `${name}.mjs`), outputText.replace(own, "$1.mjs'"));
}

describe('by itself', onCpu);
