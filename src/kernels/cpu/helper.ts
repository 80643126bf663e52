/**
 * The helper, a second thread in Node. Calls of the module's functions stand in a ring of slots in a shared memory; the
 * main thread fills the slots, and both threads take calls from them.
 */
import { ownEnvironment, threadsVariable } from '../../environment.js';

// The following are indices of 32-bit words at the start of the memory.

/** 1 while the helper runs. */
export const HELPER_RUNS = 0;
/** The number of calls that were put into slots. This and the next count only rise, and wrap around. */
export const PUBLISHED = 1;
/** The number of calls that a thread has taken. */
export const TAKEN = 2;
/** The address of the helper's scratch memory. */
export const HELPER_SCRATCH = 3;
/** The first of one word for each slot: 1 if its call is done. */
export const DONE = 16;
/**
 * The first word of the first call. A call has the index in OPERATIONS, the number of arguments, and the arguments,
 * except the last one, which is the address of the thread's scratch memory.
 */
export const CALLS = 64;
export const CALL_WORDS = 16;
/** The number of slots, a power of 2 and at most 16. */
export const SLOTS = 8;

export const OPERATIONS = ['overlapSums', 'entropyMap', 'overlapGradient'] as const;

export interface Helper {
  terminate(): void;
}

const idleMilliseconds = 10_000;

// The code of the thread, in plain JavaScript because it loads no modules. It ends after a long idle time, so that test
// files and removed copies of this package leave no threads behind. The main thread starts another one if needed.
const source = `
const { workerData } = process.getBuiltinModule('node:worker_threads');
const { module, memory, stackEnd, operations } = workerData;
const { exports } = new WebAssembly.Instance(module, { env: { memory } });
exports.__stack_pointer.value = stackEnd;
// This view stays valid when the main thread makes the memory grow.
const words = new Int32Array(memory.buffer, 0, ${CALLS + SLOTS * CALL_WORDS});
let published = Atomics.load(words, ${PUBLISHED});
let turns = 0;
for (;;) {
  const taken = Atomics.load(words, ${TAKEN});
  if (((Atomics.load(words, ${PUBLISHED}) - taken) | 0) > 0) {
    if (Atomics.compareExchange(words, ${TAKEN}, taken, (taken + 1) | 0) !== taken) continue;
    const slot = taken & ${SLOTS - 1};
    const call = words.subarray(${CALLS} + slot * ${CALL_WORDS}, ${CALLS} + (slot + 1) * ${CALL_WORDS});
    exports[operations[call[0]]](...call.subarray(2, 2 + call[1]), words[${HELPER_SCRATCH}]);
    Atomics.store(words, ${DONE} + slot, 1);
    Atomics.notify(words, ${DONE} + slot);
    turns = 0;
  } else if (++turns > 2000) {
    if (Atomics.wait(words, ${PUBLISHED}, published, ${idleMilliseconds}) === 'timed-out') break;
    published = Atomics.load(words, ${PUBLISHED});
  }
}
Atomics.store(words, ${HELPER_RUNS}, 0);
`;

// Loads a module of Node in a way that bundlers for browsers do not follow.
function builtin<T>(name: string): T | undefined {
  if (typeof process === 'undefined') return undefined;
  return process.getBuiltinModule?.(name) as T | undefined;
}

let impossible = false;

/** True if a second thread is possible here and SOFTSEG_THREADS=1 does not forbid it. */
export function helperWanted(): boolean {
  if (threadsVariable(ownEnvironment()) === 1 || impossible || typeof process === 'undefined') return false;
  return (builtin<typeof import('node:os')>('node:os')?.availableParallelism?.() ?? 1) > 1;
}

/** Starts a helper on a shared memory; undefined if that is impossible. The caller does not wait until it runs. */
export function startHelper(
  module: WebAssembly.Module,
  memory: WebAssembly.Memory,
  words: Int32Array,
  stackEnd: number,
): Helper | undefined {
  try {
    const { Worker } = builtin<typeof import('node:worker_threads')>('node:worker_threads')!;
    // This throws where the main thread may not wait, which the use of a helper needs.
    Atomics.wait(words, HELPER_RUNS, -1, 0);
    Atomics.store(words, HELPER_RUNS, 1);
    const worker = new Worker(source, {
      eval: true,
      execArgv: [],
      workerData: { module, memory, stackEnd, operations: OPERATIONS },
    });
    worker.unref();
    worker.on('error', () => {
      impossible = true;
    });
    return { terminate: () => void worker.terminate() };
  } catch {
    impossible = true;
    return undefined;
  }
}

/** Called after a helper did not answer; no other one is started in this process. */
export function giveUpHelpers(): void {
  impossible = true;
}
