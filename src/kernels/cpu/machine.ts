/** A machine is an instance of the module with a memory of its own, and if possible a helper thread (see helper.ts). */
import { instantiate, passModule, STACK_BYTES, type PassFunctions } from '../module/passModule.js';
import { aligned } from '../module/request.js';
import {
  CALL_WORDS,
  CALLS,
  DONE,
  giveUpHelpers,
  HELPER_RUNS,
  HELPER_SCRATCH,
  helperWanted,
  OPERATIONS,
  PUBLISHED,
  SLOTS,
  startHelper,
  TAKEN,
  type Helper,
} from './helper.js';

const wordsBytes = aligned(4 * (CALLS + SLOTS * CALL_WORDS));
const stackEnd = wordsBytes + STACK_BYTES;
const helperStackEnd = stackEnd + STACK_BYTES;
/** The first address that the caller may use; below are the words of helper.ts and the two stacks. */
export const FREE_FROM = helperStackEnd;

const pageBytes = 65_536;
const mostPages = 65_536;

export interface Machine {
  module: WebAssembly.Module;
  memory: WebAssembly.Memory;
  functions: PassFunctions;
  words: Int32Array;
  helper: Helper | undefined;
  mayHaveHelper: boolean;
}

/** Makes a machine; null if the module cannot be made (yet). */
export function makeMachine(mayHaveHelper: boolean): Machine | null {
  const shared = mayHaveHelper && typeof SharedArrayBuffer !== 'undefined';
  const module = passModule(shared);
  if (!module) return null;
  let memory: WebAssembly.Memory;
  let functions: PassFunctions;
  try {
    memory = new WebAssembly.Memory({ initial: Math.ceil(FREE_FROM / pageBytes) + 1, maximum: mostPages, shared });
    functions = instantiate(module, memory, stackEnd);
  } catch {
    // A shared memory reserves address space for its maximum size, and some systems do not have that much.
    return shared ? makeMachine(false) : null;
  }
  const words = new Int32Array(memory.buffer, 0, wordsBytes / 4);
  return { module, memory, functions, words, helper: undefined, mayHaveHelper: shared };
}

/** Makes the memory at least `bytes` large. */
export function reserve(machine: Machine, bytes: number): void {
  const { memory } = machine;
  const missing = Math.ceil((bytes - memory.buffer.byteLength) / pageBytes);
  if (missing <= 0) return;
  try {
    memory.grow(missing);
  } catch {
    throw new Error(`out of memory: a WebAssembly memory of ${bytes} bytes cannot be allocated`);
  }
  machine.words = new Int32Array(memory.buffer, 0, wordsBytes / 4);
}

/** Work that is divided into pieces. Each piece is put into a slot, computed by one of the threads, and collected. */
export interface Job {
  pieces: number;
  operation: (typeof OPERATIONS)[number];
  /** Puts a piece into a slot, and returns the arguments of its call except the last one (the scratch memory). */
  fill(piece: number, slot: number): number[];
  /** Copies the result of a piece out of its slot. Pieces are collected in order. */
  collect(piece: number, slot: number): void;
  scratch: number;
  helperScratch: number;
  /** True if the job is large enough for a second thread. */
  large: boolean;
}

/** A helper that is busy with one call for longer than this is presumed dead. */
const patienceMilliseconds = 2000;
const spins = 2000;
/** The number of published calls that wait while the main thread computes, so that the helper finds work. */
const ahead = 2;

/** Runs a job. False if the helper took a piece and does not answer: then the job must be repeated on a new machine. */
export function runJob(machine: Machine, job: Job): boolean {
  const { functions, words } = machine;
  const { pieces, operation, scratch } = job;
  const call = functions[operation] as (...args: number[]) => void;
  if (!job.large || !hasHelper(machine)) {
    for (let piece = 0; piece < pieces; piece++) {
      call(...job.fill(piece, 0), scratch);
      job.collect(piece, 0);
    }
    return true;
  }

  words[HELPER_SCRATCH] = job.helperScratch;
  const start = Atomics.load(words, TAKEN);
  const slotOf = (piece: number): number => (start + piece) & (SLOTS - 1);
  const waiting = (): number => (Atomics.load(words, PUBLISHED) - Atomics.load(words, TAKEN)) | 0;
  let filled = 0;
  let collected = 0;
  const fillNext = (): void => {
    const slot = slotOf(filled);
    const args = job.fill(filled++, slot);
    const at = CALLS + slot * CALL_WORDS;
    words[at] = OPERATIONS.indexOf(operation);
    words[at + 1] = args.length;
    words.set(args, at + 2);
    words[DONE + slot] = 0;
    Atomics.add(words, PUBLISHED, 1);
    Atomics.notify(words, PUBLISHED);
  };
  const takeOne = (): boolean => {
    const taken = Atomics.load(words, TAKEN);
    if (taken === Atomics.load(words, PUBLISHED)) return false;
    if (Atomics.compareExchange(words, TAKEN, taken, (taken + 1) | 0) !== taken) return true;
    const slot = taken & (SLOTS - 1);
    const at = CALLS + slot * CALL_WORDS;
    call(...words.subarray(at + 2, at + 2 + words[at + 1]!), scratch);
    words[DONE + slot] = 1;
    return true;
  };

  while (collected < pieces) {
    const oldest = slotOf(collected);
    if (collected < filled && Atomics.load(words, DONE + oldest) === 1) job.collect(collected++, oldest);
    else if (filled < pieces && filled - collected < SLOTS && waiting() < ahead) fillNext();
    else if (!takeOne() && !waitUntilDone(words, oldest)) {
      giveUpHelpers();
      return false;
    }
  }
  return true;
}

/** Waits until the helper has done the call of a slot; false if that takes too long. */
function waitUntilDone(words: Int32Array, slot: number): boolean {
  for (let turn = 0; turn < spins; turn++) if (Atomics.load(words, DONE + slot) === 1) return true;
  return Atomics.wait(words, DONE + slot, 0, patienceMilliseconds) !== 'timed-out';
}

function hasHelper(machine: Machine): boolean {
  if (!machine.mayHaveHelper || !helperWanted()) return false;
  const { module, memory, words } = machine;
  if (!machine.helper || Atomics.load(words, HELPER_RUNS) === 0) {
    machine.helper = startHelper(module, memory, words, helperStackEnd);
  }
  return machine.helper !== undefined;
}
