/** native/ as a WebAssembly module, which is compiled once for each kind of memory, and instances of it. */
import { BINARY, LIMITS_AT } from './binary.js';

/** See native/overlap.h. All arguments except `wrt`, `first` and `count` are addresses in the memory; 0 is null. */
export interface PassFunctions {
  itemPixels(pass: number): number;
  scratchBytes(pass: number): number;
  overlapSums(
    pass: number,
    predictions: number,
    labels: number,
    weights: number,
    first: number,
    count: number,
    sums: number,
    scratch: number,
  ): void;
  entropyMap(
    pass: number,
    predictions: number,
    labels: number,
    weights: number,
    coefficients: number,
    first: number,
    count: number,
    map: number,
    scratch: number,
  ): void;
  overlapGradient(
    pass: number,
    wrt: number,
    predictions: number,
    labels: number,
    weights: number,
    dy: number,
    pixelDy: number,
    first: number,
    count: number,
    gradient: number,
    scratch: number,
  ): void;
}

/** Size of the stack. It is more than the passes need; an overflow would not be noticed. */
export const STACK_BYTES = 16_384;

/** The modules for plain memory (false) and shared memory (true); null if there is none (yet). */
const modules = new Map<boolean, WebAssembly.Module | null>();

/** The module; null if it cannot be made, or while a browser still compiles it in the background (ask again later). */
export function passModule(shared: boolean): WebAssembly.Module | null {
  let known = modules.get(shared);
  if (known === undefined) {
    known = compile(shared);
    modules.set(shared, known);
  }
  return known;
}

function compile(shared: boolean): WebAssembly.Module | null {
  if (typeof WebAssembly === 'undefined') return null;
  const bytes = moduleBytes(shared);
  // This is false where SIMD is not supported.
  if (!WebAssembly.validate(bytes)) return null;
  try {
    return new WebAssembly.Module(bytes);
  } catch {
    // Some browsers refuse to compile more than a few kilobytes synchronously on a page's main thread.
    WebAssembly.compile(bytes).then(
      (module) => modules.set(shared, module),
      () => {}, // A page's security policy may forbid it.
    );
    return null;
  }
}

export function moduleBytes(shared: boolean): Uint8Array<ArrayBuffer> {
  const bytes = Uint8Array.from(atob(BINARY), (character) => character.charCodeAt(0));
  bytes[LIMITS_AT] = shared ? 3 : 1;
  return bytes;
}

/** Makes an instance on `memory`, with a stack of its own that ends at `stackEnd`, a multiple of 16. */
export function instantiate(module: WebAssembly.Module, memory: WebAssembly.Memory, stackEnd: number): PassFunctions {
  const { exports } = new WebAssembly.Instance(module, { env: { memory } });
  (exports['__stack_pointer'] as WebAssembly.Global<'i32'>).value = stackEnd;
  return exports as unknown as PassFunctions;
}
