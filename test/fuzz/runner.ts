/** Runs a subject under fast-check, and says how to repeat a failure. */
import fc from 'fast-check';
import { asCode, asLine, type Call } from './call.js';
import { check, Failure } from './check.js';
import type { Subject } from './subject.js';
import { wildCall } from './wild.js';

export interface Report {
  fn: string;
  kind: string;
  message: string;
  seed: number;
  path: string;
  call: Call;
}

function callsOf(subject: Subject, fittingOnly = false): fc.Arbitrary<Call> {
  const fitting = fc.tuple(subject.args, fc.nat(3)).map(([args, checked]): Call => ({
    fn: subject.fn,
    args,
    ...(checked === 0 && subject.checkable?.(args) && { checked: true }),
  }));
  if (fittingOnly) return fitting;
  return fc.oneof({ weight: 3, arbitrary: fitting }, { weight: 1, arbitrary: wildCall(subject) });
}

export interface FuzzOptions {
  seed: number;
  runs: number;
  /** fast-check's path to a failure, at which the run begins. */
  path?: string;
  /** Signatures of failures that are not reported again. */
  known?: ReadonlySet<string>;
  /** Makes only calls that the documentation allows. */
  fitting?: boolean;
}

/** The first failure, shrunk; null if there is none. */
export async function fuzz(
  subject: Subject,
  { seed, runs, path, known, fitting }: FuzzOptions,
): Promise<Report | null> {
  const property = fc.asyncProperty(callsOf(subject, fitting), async (call) => {
    try {
      await check(subject, call);
    } catch (error) {
      if (known?.has(signatureOf(subject.fn, error))) return;
      throw error;
    }
  });
  const details = await fc.check(property, {
    seed,
    numRuns: runs,
    // Ends runs that shrink for long; a failure stays a failure.
    interruptAfterTimeLimit: 5000,
    ...(path !== undefined && { path }),
  });
  if (!details.failed) return null;
  const error = details.errorInstance;
  const call = details.counterexample![0];
  return {
    fn: subject.fn,
    kind: error instanceof Failure ? error.kind : 'fuzzer',
    message: error instanceof Failure ? error.message : ((error as Error).stack ?? String(error)),
    seed,
    path: details.counterexamplePath ?? '',
    call,
  };
}

/** Gives failures of the same fault the same signature, which leaves out numbers and values. */
export function signatureOf(fn: string, error: unknown): string {
  const message = (error as Error).message.split('\n')[0]!;
  return `${fn} ${message.replace(/\[[^\]]*\]/g, '[]').replace(/-?\d+(\.\d+)?(e[-+]?\d+)?/g, '#')}`;
}

export function describe({ fn, message, seed, path, call }: Report): string {
  return [
    `${fn}: ${message}`,
    `  call   ${asCode(call)}${call.checked ? ' with value checks' : ''}`,
    `  again  npm run fuzz -- --only ${fn} --seed ${seed} --path ${path}`,
    `  test   ${asLine(call)}`,
  ].join('\n');
}
