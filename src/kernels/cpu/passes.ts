/**
 * The fused passes on tfjs's plain JavaScript backend. Its tensors are JavaScript arrays, so pieces of them are copied
 * into a small WebAssembly memory, computed while they are in the processor's cache, and the results are copied out.
 */
import type { KernelBackend, TensorInfo } from '@tensorflow/tfjs-core';
import type { FusedPasses } from '../fused/passes.js';
import { passesThrough, type Request } from '../module/request.js';
import { helperWanted } from './helper.js';
import { makeMachine, runJob, type Machine } from './machine.js';
import { jobOf, type StoredValues } from './pieces.js';

/** The part of tfjs's cpu backend that is used here. */
interface CpuBackend {
  data: { get(dataId: object): { values: StoredValues } };
  makeTensorInfo(shape: number[], dtype: 'float32', values: Float32Array): TensorInfo;
}

/** All requests share one machine, because it keeps nothing of a request. */
let machine: Machine | null = null;

/** The passes; null where the module cannot run (no SIMD, or a page's policy), or while a browser still compiles it. */
export function cpuPasses(backend: KernelBackend): FusedPasses | null {
  machine ??= makeMachine(helperWanted());
  if (!machine) return null;
  return { name: 'fused wasm', ...passesThrough((request) => run(backend as unknown as CpuBackend, request)) };
}

function run(backend: CpuBackend, request: Request): TensorInfo {
  const { shape } = request;
  const output = new Float32Array(shape.reduce((product, size) => product * size, 1));
  const valuesOf = ({ dataId }: TensorInfo): StoredValues => backend.data.get(dataId).values;
  for (;;) {
    const current = (machine ??= makeMachine(helperWanted())!);
    try {
      if (runJob(current, jobOf(current, request, valuesOf, output))) {
        return backend.makeTensorInfo(shape, 'float32', output);
      }
    } catch (error) {
      discard(current);
      throw error;
    }
    // The helper did not answer. The job is repeated without one, on a new memory that the old helper cannot write to.
    discard(current);
  }
}

function discard(used: Machine): void {
  used.helper?.terminate();
  machine = null;
}
