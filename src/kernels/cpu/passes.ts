/**
 * The fused passes on tfjs's plain JavaScript backend. Its tensors are arrays of JavaScript, so pieces of them are copied
 * into a small WebAssembly memory, worked on while they are in the cache, and results copied out.
 */
import type { KernelBackend, TensorInfo } from '@tensorflow/tfjs-core';
import type { FusedPasses } from '../fused/passes.js';
import { passesThrough, type Request } from '../module/request.js';
import { helperWanted } from './helper.js';
import { makeMachine, runJob, type Machine } from './machine.js';
import { jobOf, type StoredValues } from './pieces.js';

/** What is used here of tfjs's cpu backend. */
interface CpuBackend {
  data: { get(dataId: object): { values: StoredValues } };
  makeTensorInfo(shape: number[], dtype: 'float32', values: Float32Array): TensorInfo;
}

/** One for all, for nothing of a request stays in it. */
let machine: Machine | null = null;

/** null without SIMD or the right to make modules, and as long as a browser takes to make it in the background. */
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
    // The helper did not answer. It is tried again without one, in a memory to which nobody else writes.
    discard(current);
  }
}

function discard(used: Machine): void {
  used.helper?.terminate();
  machine = null;
}
