/** A second thread in Node, which takes calls from the same list as the main thread. */
import { ownEnvironment, threadsVariable } from '../../environment.js';

/** Words at the start of the memory that both threads work on. Counts only rise, and wrap around. */
export const HELPER_RUNS = 0;
export const PUBLISHED = 1;
export const TAKEN = 2;
export const HELPER_SCRATCH = 3;
/** Whether the call of a slot is done, one word for each slot. */
export const DONE = 16;
/** The call of a slot: which of OPERATIONS, how many arguments, and those but the last, which is scratch memory. */
export const CALLS = 64;
export const CALL_WORDS = 16;
/** A power of 2, and at most 16. */
export const SLOTS = 8;

export const OPERATIONS = ['overlapSums', 'entropyMap', 'overlapGradient'] as const;

export interface Helper {
  terminate(): void;
}

const idleMilliseconds = 10_000;

// Plain JavaScript, for the thread starts with nothing else. It ends when it was idle for long, so that none is left over
// from each of many test files or removed copies of this package; main starts another when it has work.
const source = `
const { workerData } = process.getBuiltinModule('node:worker_threads');
const { module, memory, stackEnd, operations } = workerData;
const { exports } = new WebAssembly.Instance(module, { env: { memory } });
exports.__stack_pointer.value = stackEnd;
// No larger: main may make the memory grow, which views do not follow.
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

// Loaded in a way that bundlers for browsers do not follow.
function builtin<T>(name: string): T | undefined {
  if (typeof process === 'undefined') return undefined;
  return process.getBuiltinModule?.(name) as T | undefined;
}

let impossible = false;

/** Whether a second thread may be had here, and is wanted: not with SOFTSEG_THREADS=1. */
export function helperWanted(): boolean {
  if (threadsVariable(ownEnvironment()) === 1 || impossible || typeof process === 'undefined') return false;
  return (builtin<typeof import('node:os')>('node:os')?.availableParallelism?.() ?? 1) > 1;
}

/** Starts one on a shared memory; undefined where there is none to be had. Nothing has to wait until it is up. */
export function startHelper(
  module: WebAssembly.Module,
  memory: WebAssembly.Memory,
  words: Int32Array,
  stackEnd: number,
): Helper | undefined {
  try {
    const { Worker } = builtin<typeof import('node:worker_threads')>('node:worker_threads')!;
    // Not every main thread may wait.
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

/** After a helper did not answer: no other is started. */
export function giveUpHelpers(): void {
  impossible = true;
}
