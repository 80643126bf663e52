import { entriesOf, fail, show } from '../../checks.js';

/** A value that JSON can hold. */
export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };

/** The largest depth of nesting. */
const DEEPEST = 50;

/**
 * True if every object has a property of this name (`constructor`, `__proto__`, ...). If such a name came from a file,
 * a lookup in any object would find that property.
 */
export const isInherited = (name: string): boolean => name in Object.prototype;

/** Throws if the value would not survive being written to JSON and read back. `name` is its place, for the message. */
export function checkJson(name: string, value: unknown, depth = DEEPEST): asserts value is Json {
  if (depth === 0) fail(`${name} is nested too deep, or contains itself`);
  if (value === null || typeof value === 'string' || typeof value === 'boolean') return;
  if (typeof value === 'number' && Number.isFinite(value)) return;
  const entries = entriesOf(value);
  if (entries) return entries.forEach((item, i) => checkJson(`${name}[${i}]`, item, depth - 1));
  if (typeof value === 'object' && isPlain(value)) {
    return Object.entries(value).forEach(([key, item]) => {
      if (key === '__proto__') fail(`${name} must not have the key __proto__, which copies of it would lose`);
      checkJson(`${name}.${key}`, item, depth - 1);
    });
  }
  fail(`${name} must be a plain value that can be saved, got ${show(value)}`);
}

/** True if an object has the prototype of an object literal, and can be read without an error. */
function isPlain(value: object): boolean {
  try {
    void Object.entries(value);
    return Object.getPrototypeOf(value) === Object.prototype;
  } catch {
    return false;
  }
}
