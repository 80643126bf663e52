/**
 * The error of calls that are refused, which names the function that was called. The name is set once, where that
 * function begins (`inFunction`); the checks inside of it do not know whose they are.
 */
import { visible } from './visibleText.js';

/** A call that was refused: arguments, options or values do not fit. The message begins with the function's name. */
export class ArgumentError extends Error {
  // (On the prototype, so that it is there when the stack is written.)
  override get name(): string {
    return 'ArgumentError';
  }
}

/** The innermost function that runs; after the first `await` of an async one, that is the one around it, if any. */
export let currentFunction = '';

/**
 * Errors that were made after an `await`, when no function ran any more: where they are rejected, they get the name.
 * (The first async function makes it. A bundle without any does not need it.)
 */
let nameless: WeakSet<Error> | undefined;

/**
 * The error with the name of the function that runs before its message. The stack then begins at that function: what was
 * called is the user's matter, and where inside of it the call was refused is not.
 */
export function withName<E extends Error>(error: E): E {
  if (!currentFunction) nameless?.add(error);
  else {
    error.message = visible(`${currentFunction}: ${error.message}`);
    Error.captureStackTrace?.(error, inFunction);
  }
  return error;
}

/** Runs a function that errors are to name. */
export function inFunction<T>(name: string, run: () => T): T {
  const before = currentFunction;
  currentFunction = name;
  try {
    return run();
  } finally {
    currentFunction = before;
  }
}

/** The same for a function that gives a promise, which may be rejected. */
export function inAsyncFunction<T>(name: string, run: () => Promise<T>): Promise<T> {
  nameless ??= new WeakSet();
  return inFunction(name, run).catch((error: unknown) => {
    if (nameless!.delete(error as Error)) addName(error as Error, name);
    throw error;
  });
}

function addName(error: Error, name: string): void {
  const { message, stack } = error;
  error.message = visible(`${name}: ${message}`);
  // V8 has written the message there already.
  if (stack) error.stack = stack.replace(message, () => error.message);
}
