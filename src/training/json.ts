import { entriesOf, fail, show } from '../checks.js';

/** What a JSON file can hold. */
export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };

/** Refuses what JSON would not give back as it was; `name` says in the message where it is. */
export function checkJson(fn: string, name: string, value: unknown): asserts value is Json {
  if (value === null || typeof value === 'string' || typeof value === 'boolean') return;
  if (typeof value === 'number' && Number.isFinite(value)) return;
  const entries = entriesOf(value);
  if (entries) return entries.forEach((item, i) => checkJson(fn, `${name}[${i}]`, item));
  if (typeof value === 'object' && isPlain(value)) {
    return Object.entries(value).forEach(([key, item]) => checkJson(fn, `${name}.${key}`, item));
  }
  fail(fn, `${name} must be a plain value that can be saved, got ${show(value)}`);
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
