/** The fused passes on tfjs's wasm backend: the module works in place on the backend's own memory. */
import type { KernelBackend, TensorInfo } from '@tensorflow/tfjs-core';
import type { FusedPasses } from '../fused/passes.js';
import { instantiate, passModule, STACK_BYTES, type PassFunctions } from '../module/passModule.js';
import {
  aligned,
  isList,
  labelBytes,
  labelsOfSample,
  PASS_BYTES,
  passesThrough,
  sumCount,
  writeFactors,
  writePass,
  writeSums,
  type Request,
} from '../module/request.js';
import { withSharedClones } from './sharedClones.js';

/** The part of tfjs's wasm backend that is used here. */
interface WasmBackend {
  wasm: {
    /** The memory in the build with threads; in the other one it is `asm.memory`. */
    wasmMemory?: WebAssembly.Memory;
    asm?: { memory: WebAssembly.Memory };
    _malloc(bytes: number): number;
    _free(address: number): void;
  };
  dataIdMap: { get(dataId: object): { memoryOffset: number } };
  makeOutput(shape: number[], dtype: 'float32'): TensorInfo;
  disposeData(dataId: object): boolean;
}

const known = new WeakMap<KernelBackend, FusedPasses>();

/** The passes; null where the module cannot run (no SIMD, or a page's policy), or while a browser still compiles it. */
export function wasmPasses(backend: KernelBackend): FusedPasses | null {
  const before = known.get(backend);
  if (before) return before;
  const passes = passesOn(backend as unknown as WasmBackend);
  if (passes) known.set(backend, passes);
  return passes;
}

function passesOn(backend: WasmBackend): FusedPasses | null {
  const memory = backend.wasm?.wasmMemory ?? backend.wasm?.asm?.memory;
  const module = memory && passModule(isShared(memory.buffer));
  if (!module) return null;
  // This block holds the stack and a `Pass` above it, and is kept as long as the backend lives.
  const block = allocate(backend, 16 + STACK_BYTES + PASS_BYTES);
  const stackEnd = Math.floor((block + 15) / 16) * 16 + STACK_BYTES;
  let functions: PassFunctions;
  try {
    functions = instantiate(module, memory, stackEnd);
  } catch {
    backend.wasm._free(block);
    return null;
  }
  const on: Place = { backend, memory, functions, passAt: stackEnd };
  return { name: 'fused wasm', around: withSharedClones, ...passesThrough((request) => run(on, request)) };
}

const isShared = (buffer: ArrayBufferLike): boolean =>
  Object.prototype.toString.call(buffer) === '[object SharedArrayBuffer]';

function allocate({ wasm }: WasmBackend, bytes: number): number {
  const address = wasm._malloc(bytes) >>> 0;
  if (address === 0) throw outOfMemory(bytes);
  return address;
}

const outOfMemory = (bytes: number): Error =>
  new Error(`out of memory: tfjs's wasm backend cannot allocate ${bytes} more bytes`);

interface Place {
  backend: WasmBackend;
  memory: WebAssembly.Memory;
  functions: PassFunctions;
  passAt: number;
}

function run(on: Place, request: Request): TensorInfo {
  const { backend } = on;
  const { shape } = request;
  const output = backend.makeOutput(shape, 'float32');
  try {
    const bytes = shape.reduce((product, size) => product * size, 4);
    if (bytes > 0 && addressOf(backend, output) === 0) throw outOfMemory(bytes);
    runInto(on, request, addressOf(backend, output));
    return output;
  } catch (error) {
    backend.disposeData(output.dataId);
    throw error;
  }
}

// This lookup makes tfjs move data over from another backend if it is there, which may make the memory grow.
const addressOf = ({ dataIdMap }: WasmBackend, tensor: TensorInfo | null): number =>
  tensor ? dataIdMap.get(tensor.dataId).memoryOffset : 0;

function runInto({ backend, memory, functions, passAt }: Place, request: Request, output: number): void {
  const { operation, inputs, pass, factors, wrt } = request;
  const { samples, pixels, classes, classesFirst, entropy } = pass;
  const predictions = addressOf(backend, inputs.predictions);
  const labels = addressOf(backend, inputs.labels);
  const weights = addressOf(backend, inputs.weights);
  const pixelDy = addressOf(backend, request.pixelDy);
  const dy = addressOf(backend, isList(factors) ? null : factors);

  const stride = classesFirst ? pixels : 1;
  writePass(memory.buffer, passAt, request, stride, 0);
  const count = sumCount(request) * classes;
  const sizes = { sums: 8 * count, factors: 4 * count, posWeight: 4 * classes };
  const scratchBytes = functions.scratchBytes(passAt);
  const block = allocate(backend, 64 + aligned(scratchBytes) + sizes.sums + sizes.factors + sizes.posWeight);
  try {
    const scratch = aligned(block);
    const sumsAt = scratch + aligned(scratchBytes);
    const factorsAt = sumsAt + sizes.sums;
    const posWeightAt = factorsAt + sizes.factors;
    // The allocation may have made the memory grow, and then earlier views are invalid.
    const { buffer } = memory;
    if (entropy.posWeight) new Float32Array(buffer, posWeightAt, classes).set(entropy.posWeight);
    writePass(buffer, passAt, request, stride, entropy.posWeight ? posWeightAt : 0);
    const sums = new Float64Array(buffer, sumsAt, count);
    const sampleFactors = new Float32Array(buffer, factorsAt, factors ? count : 0);
    const dyValues = new Float32Array(buffer, dy, dy ? count * samples : 0);
    const results = new Float32Array(buffer, output, operation === 'overlapSums' ? count * samples : 0);
    const itemPixels = functions.itemPixels(passAt);
    const [predictionsBytes, labelsBytes] = [4 * pixels * classes, labelBytes(pass.labelKind) * labelsOfSample(pass)];
    const totals = new Float64Array(count);

    for (let n = 0; n < samples; n++) {
      const p = predictions + n * predictionsBytes;
      const t = labels + n * labelsBytes;
      const w = weights && weights + n * 4 * pixels;
      writeFactors(sampleFactors, request, n, dyValues);
      if (operation === 'overlapSums') {
        totals.fill(0);
        for (let first = 0; first < pixels; first += itemPixels) {
          functions.overlapSums(passAt, p, t, w, first, Math.min(itemPixels, pixels - first), sumsAt, scratch);
          for (let i = 0; i < count; i++) totals[i]! += sums[i]!;
        }
        writeSums(results, request, n, totals);
      } else if (operation === 'entropyMap') {
        functions.entropyMap(passAt, p, t, w, factorsAt, 0, pixels, output + n * 4 * pixels, scratch);
      } else {
        const pixel = pixelDy && pixelDy + n * 4 * pixels;
        const gradient = output + n * predictionsBytes;
        functions.overlapGradient(passAt, wrt, p, t, w, factorsAt, pixel, 0, pixels, gradient, scratch);
      }
    }
  } finally {
    backend.wasm._free(block);
  }
}
