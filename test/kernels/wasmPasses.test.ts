/** The fused passes at work in the memory of tfjs's wasm backend. */
import { describe, expect, jest, test } from '@jest/globals';
import * as tf from '@tensorflow/tfjs-core';
import { sumSet } from '../../src/kernels/contract.js';
import { wasmPasses } from '../../src/kernels/wasm/passes.js';
import { expectAll, passCases, problemOf, titleOf, type Bench, type PassCase } from './passCases.js';

declare const TEST_BACKEND: string;

interface WasmBackend extends tf.KernelBackend {
  wasm: { _malloc(bytes: number): number; _free(address: number): void };
  makeOutput(shape: number[], dtype: tf.DataType, address: undefined, values: unknown): tf.TensorInfo;
}

const benchOf = (backend: WasmBackend): Bench => ({
  put: (values, shape, dtype) => backend.makeOutput(shape, dtype, undefined, values),
  take(result) {
    const values = backend.readSync(result.dataId) as Float32Array;
    backend.disposeData(result.dataId);
    return values;
  },
});

const anyCase: PassCase = {
  samples: 2,
  pixels: 300,
  classes: 3,
  labelKind: 'float32',
  classesFirst: false,
  weighted: false,
};

function onWasm(): void {
  const current = () => tf.backend() as WasmBackend;

  test.each(passCases.map((of): [string, PassCase] => [titleOf(of), of]))('%s', (_, of) => {
    const put = jest.fn(benchOf(current()).put);
    expectAll(wasmPasses(current())!, of, { ...benchOf(current()), put });
    for (const { value } of put.mock.results) current().disposeData((value as tf.TensorInfo).dataId);
  });

  test('passes are made once for each backend', async () => {
    const before = current();
    expect(wasmPasses(before)).toBe(wasmPasses(before));
    tf.registerBackend('wasm again', tf.findBackendFactory('wasm'));
    await tf.setBackend('wasm again');
    const again = current();
    try {
      expect(wasmPasses(again)).not.toBe(wasmPasses(before));
      for (const backend of [again, before, again]) expectAll(wasmPasses(backend)!, anyCase, benchOf(backend));
    } finally {
      await tf.setBackend('wasm');
      tf.removeBackend('wasm again');
    }
  });

  test('a backend that was removed and made again works', async () => {
    const removed = current();
    wasmPasses(removed);
    const factory = tf.findBackendFactory('wasm');
    tf.removeBackend('wasm');
    tf.registerBackend('wasm', factory);
    await tf.setBackend('wasm');
    expect(current()).not.toBe(removed);
    expectAll(wasmPasses(current())!, anyCase, benchOf(current()));
  });

  test('results follow the memory when it grows', () => {
    const backend = current();
    const passes = wasmPasses(backend)!;
    const bytesBefore = (backend.wasm as never as { HEAPU8: Uint8Array }).HEAPU8.byteLength;
    const large = backend.wasm._malloc(bytesBefore);
    expectAll(passes, anyCase, benchOf(backend));
    backend.wasm._free(large);
    expect((backend.wasm as never as { HEAPU8: Uint8Array }).HEAPU8.byteLength).toBeGreaterThan(bytesBefore);
  });

  test('running out of memory is a clear error, and nothing stays allocated', () => {
    const backend = current();
    const passes = wasmPasses(backend)!;
    const { pass, inputs } = problemOf(anyCase, benchOf(backend));
    const { _malloc, _free } = backend.wasm;
    const data = backend.numDataIds();
    // tfjs also asks for a few bytes when it registers a result; those requests succeed.
    for (const refused of [0, 1]) {
      const held = new Set<number>();
      let asked = 0;
      backend.wasm._malloc = (bytes) => {
        const address = asked++ === refused ? 0 : _malloc(bytes);
        if (address) held.add(address);
        return address;
      };
      backend.wasm._free = (address) => {
        held.delete(address);
        _free(address);
      };
      try {
        expect(() =>
          passes.sumsGradient(inputs, pass, sumSet(['predicted']), inputs.predictions, 'predictions'),
        ).toThrow(/out of memory: tfjs's wasm backend cannot allocate \d+ more bytes/);
        expect(asked).toBe(refused + 1);
        expect(held.size).toBe(0);
      } finally {
        Object.assign(backend.wasm, { _malloc, _free });
      }
      expect(backend.numDataIds()).toBe(data);
    }
    expect(benchOf(backend).take(passes.sums(inputs, pass, sumSet(['valid'])))[0]).toBe(anyCase.pixels);
  });

  test('only the result stays allocated after a pass', () => {
    const backend = current();
    const passes = wasmPasses(backend)!;
    const { pass, inputs } = problemOf(anyCase, benchOf(backend));
    const allocated = jest.spyOn(backend.wasm, '_malloc');
    const freed = jest.spyOn(backend.wasm, '_free');
    benchOf(backend).take(passes.sums(inputs, pass, sumSet(['predicted'])));
    expect(freed.mock.calls.map(([address]) => address >>> 0).sort()).toEqual(
      allocated.mock.results.map(({ value }) => (value as number) >>> 0).sort(),
    );
    jest.restoreAllMocks();
  });
}

if (TEST_BACKEND === 'wasm') describe('on the wasm backend', onWasm);
else
  test('a backend without a WebAssembly memory has no such passes', () => expect(wasmPasses(tf.backend())).toBeNull());
