/** The passes as a WebAssembly module by itself: on both kinds of memory, and where it cannot be compiled. */
import { afterEach, describe, expect, jest, test } from '@jest/globals';
import type * as PassModule from '../../src/kernels/module/passModule.js';
import { instantiate, moduleBytes, passModule, STACK_BYTES } from '../../src/kernels/module/passModule.js';
import { MOST_CLASSES, PASS_BYTES, passesThrough, writePass, type Request } from '../../src/kernels/module/request.js';

const request = (classes: number): Request => ({
  operation: 'overlapGradient',
  inputs: undefined as never,
  pass: {
    samples: 1,
    pixels: 100,
    classes,
    classesFirst: false,
    labelKind: 'float32',
    activation: 'softmax',
    sharpness: 2,
    entropy: { kind: 'categorical', labelSmoothing: 0.1, posWeight: null, subtractEntropy: true, focal: null },
  },
  sums: 255,
  factors: null,
  pixelDy: null,
  wrt: 0,
  shape: [],
});

const memoryOf = (shared: boolean) => new WebAssembly.Memory({ initial: 16, maximum: 65536, shared });

describe.each([
  ['a plain memory', false],
  ['a shared memory', true],
])('on %s', (_, shared) => {
  test.each([
    [5, 100],
    [1, 1],
    [2, 63],
    [3, 0],
    [4, 17],
    [49, 16],
    [1030, 17],
  ])('an instance writes only where it is told to, its stack included: C %d, P %d', (classes, pixels) => {
    const memory = memoryOf(shared);
    const bytes = new Uint8Array(memory.buffer);
    const filler = 0x5a;
    bytes.fill(filler);
    const [stack, stackEnd] = [65536, 65536 + STACK_BYTES];
    const functions = instantiate(passModule(shared)!, memory, stackEnd);
    const passAt = stackEnd;
    writePass(memory.buffer, passAt, request(classes), 1, 0);

    const values = 4 * pixels * classes;
    const predictions = passAt + PASS_BYTES;
    const labels = predictions + values;
    const factors = labels + values;
    const sums = factors + 4 * 8 * classes;
    const gradient = sums + 8 * 8 * classes;
    const scratch = Math.ceil((gradient + values) / 64) * 64;
    const end = scratch + functions.scratchBytes(passAt);
    new Float32Array(memory.buffer, predictions, pixels * classes).fill(0.2);
    new Float32Array(memory.buffer, labels, pixels * classes).fill(0.2);
    new Float32Array(memory.buffer, factors, 8 * classes).fill(1);
    functions.overlapSums(passAt, predictions, labels, 0, 0, pixels, sums, scratch);
    for (const wrt of [0, 1]) {
      functions.overlapGradient(passAt, wrt, predictions, labels, 0, factors, 0, 0, pixels, gradient, scratch);
    }
    functions.entropyMap(passAt, predictions, labels, 0, factors, 0, pixels, gradient, scratch);

    const intersections = new Float64Array(memory.buffer, sums, classes);
    for (const intersection of intersections) expect(intersection).toBeCloseTo((0.2 * pixels) / classes, 5);
    expect(bytes.subarray(0, stack).every((byte) => byte === filler)).toBe(true);
    expect(bytes.subarray(end).every((byte) => byte === filler)).toBe(true);
    // The lower half of the stack stays free for future passes.
    expect(bytes.subarray(stack, stack + STACK_BYTES / 2).every((byte) => byte === filler)).toBe(true);
  });

  test('the other kind of memory is refused', () => {
    expect(() => instantiate(passModule(shared)!, memoryOf(!shared), 65536)).toThrow(WebAssembly.LinkError);
  });
});

test('the module imports only its memory', () => {
  const module = new WebAssembly.Module(moduleBytes(false));
  expect(WebAssembly.Module.imports(module)).toEqual([{ module: 'env', name: 'memory', kind: 'memory' }]);
});

test('passes take as many classes as the module has scratch memory for, and leave more to composed kernels', () => {
  const memory = memoryOf(false);
  const functions = instantiate(passModule(false)!, memory, 65536);
  const bytesFor = (classes: number) => {
    writePass(memory.buffer, 65536, request(classes), 1, 0);
    return functions.scratchBytes(65536);
  };
  const { takes } = passesThrough(() => {
    throw new Error('not to be called');
  });
  expect(bytesFor(MOST_CLASSES) / bytesFor(MOST_CLASSES / 2)).toBeCloseTo(2, 3);
  expect(takes!(request(MOST_CLASSES).pass)).toBe(true);
  expect(takes!(request(MOST_CLASSES + 1).pass)).toBe(false);
});

test('the module is compiled once', () => {
  expect(passModule(false)).toBe(passModule(false));
});

describe('where the module cannot be compiled', () => {
  afterEach(() => {
    jest.restoreAllMocks();
  });

  /** A fresh copy of the source file, as at the start of a page. */
  function fresh(): typeof PassModule {
    let loaded: typeof PassModule;
    jest.isolateModules(() => {
      loaded = jest.requireActual<typeof PassModule>('../../src/kernels/module/passModule.js');
    });
    return loaded!;
  }

  const refuseToWait = () =>
    jest.spyOn(WebAssembly, 'Module').mockImplementation(() => {
      throw new RangeError('WebAssembly.Module is disallowed on the main thread, if the buffer size is too large');
    });

  test('without SIMD, there is no module', () => {
    jest.spyOn(WebAssembly, 'validate').mockReturnValue(false);
    const { passModule } = fresh();
    expect(passModule(false)).toBeNull();
  });

  test('in a browser that compiles only in the background, the module comes a little later', async () => {
    refuseToWait();
    const compile = jest.spyOn(WebAssembly, 'compile');
    const { passModule } = fresh();
    expect(passModule(false)).toBeNull();
    expect(passModule(false)).toBeNull();
    expect(compile).toHaveBeenCalledTimes(1);
    const module = await compile.mock.results[0]!.value;
    expect(passModule(false)).toBe(module);
  });

  test('in a page that may not compile modules, there is none, and no promise is rejected', async () => {
    refuseToWait();
    const compile = jest.spyOn(WebAssembly, 'compile').mockRejectedValue(new WebAssembly.CompileError('disallowed'));
    const { passModule } = fresh();
    expect(passModule(false)).toBeNull();
    await (compile.mock.results[0]!.value as Promise<unknown>).catch(() => {});
    expect(passModule(false)).toBeNull();
  });
});
