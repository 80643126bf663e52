import { isAbsolute } from 'node:path';
import { kernelsVariable, setVariable, threadsVariable, wrongVariable, type Environment } from '../../environment.js';
import { messageOf } from './errors.js';
import { visible } from './terminal.js';

/** The names `load` and `SOFTSEG_BACKEND` take, best first. */
export const backendChoices = ['cuda', 'native', 'wasm', 'cpu'] as const;
export type BackendChoice = (typeof backendChoices)[number];

export const isBackendChoice = (name: string): name is BackendChoice =>
  (backendChoices as readonly string[]).includes(name);

/** @throws if SOFTSEG_BACKEND is no backend */
export function backendVariable(env: Environment): BackendChoice | undefined {
  const value = setVariable(env, 'SOFTSEG_BACKEND');
  if (value === undefined || isBackendChoice(value)) return value;
  throw wrongVariable('SOFTSEG_BACKEND', 'cuda, native, wasm or cpu', value);
}

/**
 * A relative path would be another folder for each program that is started elsewhere: what one has installed, the others
 * would not find.
 *
 * @throws if SOFTSEG_CACHE is not an absolute path
 */
export function cacheVariable(env: Environment): string | undefined {
  const value = setVariable(env, 'SOFTSEG_CACHE');
  if (value === undefined || isAbsolute(value)) return value;
  throw wrongVariable('SOFTSEG_CACHE', 'an absolute path', value);
}

const variables: Record<string, (env: Environment) => unknown> = {
  SOFTSEG_BACKEND: backendVariable,
  SOFTSEG_CACHE: cacheVariable,
  SOFTSEG_KERNELS: kernelsVariable,
  SOFTSEG_THREADS: threadsVariable,
};

/** The names of all that softseg reads. */
const names = [...Object.keys(variables), 'SOFTSEG_PYTHON'];

/**
 * softseg's variables that have a value which they cannot have, or a name that is nearly one of softseg's: by name, a
 * message each.
 */
export function wrongVariables(env: Environment): Record<string, string> {
  const wrong: Record<string, string> = {};
  for (const name of Object.keys(env)) {
    const meant = setVariable(env, name) === undefined || isKnown(name) ? undefined : nearest(name);
    if (meant) wrong[name] = `the environment variable ${visible(name)} means nothing to softseg; ${meant} would`;
  }
  for (const [name, read] of Object.entries(variables)) {
    try {
      read(env);
    } catch (error) {
      wrong[name] = messageOf(error);
    }
  }
  return wrong;
}

/**
 * Others' variables, which softseg's op obeys where they are numbers. Otherwise it ignores them, as OpenMP and TensorFlow
 * do.
 */
const limits: Record<string, RegExp> = {
  OMP_NUM_THREADS: /^\s*\d+\s*(,\s*\d+\s*)*$/, // a list has a number for each level
  TF_NUM_INTRAOP_THREADS: /^\s*-?\d+\s*$/,
};

/** A line about each limit that is not obeyed. */
export const ignoredLimits = (env: Environment): string[] =>
  Object.entries(limits)
    .filter(([name, numbers]) => !numbers.test(setVariable(env, name) ?? '1'))
    .map(([name]) => `${wrongVariable(name, 'a number of threads', env[name] ?? '').message}, which is ignored`);

/** (Windows takes large and small letters for the same.) */
const isKnown = (name: string): boolean => names.includes(process.platform === 'win32' ? name.toUpperCase() : name);

/** The variable that a name is one or two letters away from, large and small letters being the same. */
function nearest(name: string): string | undefined {
  if (!/^softseg/i.test(name) || name.length > 30) return undefined;
  return names.find((known) => distance(name.toUpperCase(), known) <= 2);
}

/** How many letters must be changed, added or left out (Levenshtein). */
function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1] ? 0 : 1;
      next.push(Math.min(row[j]! + 1, next[j - 1]! + 1, row[j - 1]! + same));
    }
    row = next;
  }
  return row[b.length]!;
}
