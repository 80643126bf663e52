/**
 * The error of refused calls, which names the function that was called. The name is set once, where that function
 * begins (`inFunction`), so that the checks inside of it need not know it.
 */
import { visible } from './visibleText.js';

/**
 * The error of a refused call: arguments, options or values do not fit. The message begins with the function's name.
 */
export class ArgumentError extends Error {
  // This is a getter of the prototype, because the stack is written before fields are set.
  override get name(): string {
    return 'ArgumentError';
  }
}

/** The name of the innermost function that runs. After an `await`, an async function no longer counts as running. */
export let currentFunction = '';

/**
 * The errors made after an `await`, when no function was running. They get their name when the promise is rejected. The
 * set is created by the first async function, so a bundle without one does not contain it.
 */
let nameless: WeakSet<Error> | undefined;

/**
 * Puts the name of the running function before the error's message. The stack then begins at the call of that function:
 * users need to see their call, and not the check inside of the function that refused it.
 */
export function withName<E extends Error>(error: E): E {
  if (!currentFunction) nameless?.add(error);
  else {
    error.message = visible(`${currentFunction}: ${error.message}`);
    Error.captureStackTrace?.(error, inFunction);
  }
  return error;
}

/** Runs a function. Errors that are made in it begin with the given name. */
export function inFunction<T>(name: string, run: () => T): T {
  const before = currentFunction;
  currentFunction = name;
  try {
    return run();
  } finally {
    currentFunction = before;
  }
}

/** The same for an async function. */
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
  // V8 has already written the message into the stack.
  if (stack) error.stack = stack.replace(message, () => error.message);
}
