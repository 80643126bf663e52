import { entriesOf, fail, show } from '../../checks.js';

/** What a JSON file can hold. */
export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };

/** Lists and objects inside of one another. */
const DEEPEST = 50;

/**
 * Whether every object has a property of this name (`constructor`, `__proto__`, ...). Looked up in an object by a name
 * from a file, it would be found although nobody put it there.
 */
export const isInherited = (name: string): boolean => name in Object.prototype;

/** Refuses what JSON would not give back as it was; `name` says in the message where it is. */
export function checkJson(name: string, value: unknown, depth = DEEPEST): asserts value is Json {
  if (depth === 0) fail(`${name} is nested too deep, or holds itself`);
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

/** Whether it is an object as literals make them, and can be read. */
function isPlain(value: object): boolean {
  try {
    void Object.entries(value);
    return Object.getPrototypeOf(value) === Object.prototype;
  } catch {
    return false;
  }
}
