/**
 * softseg's environment variables. An empty variable counts as not set; a value that is not allowed is an error
 * wherever the variable is read.
 */
import { show } from './checks.js';

export type Environment = Readonly<Record<string, string | undefined>>;

/** The variables of this process, or none in a browser. */
export const ownEnvironment = (): Environment => (typeof process === 'undefined' ? {} : (process.env ?? {}));

/** The value of a variable, or undefined if it is not set or empty. */
export const setVariable = (env: Environment, name: string): string | undefined => env[name] || undefined;

/**
 * The kernels to use. `'auto'`: fused passes where the backend has them; `'composed'`: tfjs ops only, for comparison.
 */
export type KernelChoice = 'auto' | 'composed';

/** @throws if SOFTSEG_KERNELS, or the value that a bundler has put in its place, is none of the choices */
export function kernelsVariable(env: Environment): KernelChoice | undefined {
  const value = setVariable(env, 'SOFTSEG_KERNELS');
  if (value === undefined || value === 'auto' || value === 'composed') return value;
  throw wrongVariable('SOFTSEG_KERNELS', 'auto or composed', value);
}

/** @throws if SOFTSEG_THREADS is not a number of threads */
export function threadsVariable(env: Environment): number | undefined {
  const value = setVariable(env, 'SOFTSEG_THREADS');
  if (value === undefined) return undefined;
  if (/^[1-9]\d{0,8}$/.test(value)) return Number(value);
  throw wrongVariable('SOFTSEG_THREADS', 'a whole number from 1 on', value);
}

export const wrongVariable = (name: string, allowed: string, value: string): Error =>
  new Error(`the environment variable ${name} must be ${allowed}, or not set; got ${show(value)}`);
