import { isAbsolute } from 'node:path';
import { kernelsVariable, setVariable, threadsVariable, wrongVariable, type Environment } from '../../environment.js';
import { messageOf } from './errors.js';
import { visible } from './terminal.js';

/** The names that `load` and `SOFTSEG_BACKEND` accept, the best backend first. */
export const backendChoices = ['cuda', 'native', 'wasm', 'cpu'] as const;
export type BackendChoice = (typeof backendChoices)[number];

export const isBackendChoice = (name: string): name is BackendChoice =>
  (backendChoices as readonly string[]).includes(name);

/** @throws if the value of SOFTSEG_BACKEND is not a backend */
export function backendVariable(env: Environment): BackendChoice | undefined {
  const value = setVariable(env, 'SOFTSEG_BACKEND');
  if (value === undefined || isBackendChoice(value)) return value;
  throw wrongVariable('SOFTSEG_BACKEND', 'cuda, native, wasm or cpu', value);
}

/**
 * The value of SOFTSEG_CACHE. A relative path is refused, because programs started in different folders would then use
 * different caches.
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

/** The names of all variables of softseg. */
const names = [...Object.keys(variables), 'SOFTSEG_PYTHON'];

/**
 * A message for each of softseg's variables that has an invalid value, and for each variable whose name is nearly that
 * of one of softseg's. The keys are the names of the variables.
 */
export function wrongVariables(env: Environment): Record<string, string> {
  const wrong: Record<string, string> = {};
  for (const name of Object.keys(env)) {
    const meant = setVariable(env, name) === undefined || isKnown(name) ? undefined : nearest(name);
    if (meant) wrong[name] = `the environment variable ${visible(name)} is unknown to softseg; did you mean ${meant}?`;
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
 * Variables of OpenMP and TensorFlow that softseg's op obeys too, if their values are numbers. Other values it ignores,
 * as OpenMP and TensorFlow do.
 */
const limits: Record<string, RegExp> = {
  OMP_NUM_THREADS: /^\s*\d+\s*(,\s*\d+\s*)*$/, // a list has a number for each nesting level
  TF_NUM_INTRAOP_THREADS: /^\s*-?\d+\s*$/,
};

/** A line about each of these variables that is set but ignored. */
export const ignoredLimits = (env: Environment): string[] =>
  Object.entries(limits)
    .filter(([name, numbers]) => !numbers.test(setVariable(env, name) ?? '1'))
    .map(([name]) => `${wrongVariable(name, 'a number of threads', env[name] ?? '').message}, which is ignored`);

/** True for a name of softseg's. Windows does not distinguish upper and lower case in names of variables. */
const isKnown = (name: string): boolean => names.includes(process.platform === 'win32' ? name.toUpperCase() : name);

/** The variable of softseg whose name differs from `name` in at most two letters, ignoring case. */
function nearest(name: string): string | undefined {
  if (!/^softseg/i.test(name) || name.length > 30) return undefined;
  return names.find((known) => distance(name.toUpperCase(), known) <= 2);
}

/** The number of letters that must be changed, added or removed (Levenshtein distance). */
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
