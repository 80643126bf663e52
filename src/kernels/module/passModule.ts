/** native/ as a WebAssembly module: compiled once for each kind of memory, and instances of it. */
import { BINARY, LIMITS_AT } from './binary.js';

/** Numbers are addresses in the memory, but for `wrt`, `first` and `count`; a null address is 0. See native/overlap.h. */
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

/** More than the passes need; nothing watches over its end. */
export const STACK_BYTES = 16_384;

/** By whether the memory is shared. */
const modules = new Map<boolean, WebAssembly.Module | null>();

/** null where it cannot be made, and while a browser that wants it so compiles it in the background: ask again later. */
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
  // False without SIMD.
  if (!WebAssembly.validate(bytes)) return null;
  try {
    return new WebAssembly.Module(bytes);
  } catch {
    // Some browsers compile no more than a few kilobytes at once on a page's own thread.
    WebAssembly.compile(bytes).then(
      (module) => modules.set(shared, module),
      () => {}, // A page's security policy may forbid it altogether.
    );
    return null;
  }
}

export function moduleBytes(shared: boolean): Uint8Array<ArrayBuffer> {
  const bytes = Uint8Array.from(atob(BINARY), (character) => character.charCodeAt(0));
  bytes[LIMITS_AT] = shared ? 3 : 1;
  return bytes;
}

/** An instance that works on `memory`, with a stack of its own below `stackEnd`, a multiple of 16. */
export function instantiate(module: WebAssembly.Module, memory: WebAssembly.Memory, stackEnd: number): PassFunctions {
  const { exports } = new WebAssembly.Instance(module, { env: { memory } });
  (exports['__stack_pointer'] as WebAssembly.Global<'i32'>).value = stackEnd;
  return exports as unknown as PassFunctions;
}
