import type { KernelBackend } from '@tensorflow/tfjs-core';
import { kernelsVariable, ownEnvironment } from '../environment.js';
import type { FusedPasses } from '../kernels/fused/passes.js';
import { loadOp, type RunningTensorflow } from './loadOp.js';
import { bindingOf, foreignLibrary, homeOf, installCommand, libraryOf, type Named } from './provision/binding.js';
import { faultOfOp, opOf, tell } from './provision/inspect.js';
import { tryFirst, tryFirstNow, type Trial } from './provision/trials.js';
import { loadCore, type Started } from './startBackend.js';
import { messageOf } from './system/errors.js';
import { findPackage } from './system/packages.js';
import { visibleLine } from './system/terminal.js';

// softseg's own op is started by load(), or by the first loss that runs where TensorFlow computes on the processor.

/** tfjs-node's backend. */
type NativeBackend = KernelBackend &
  RunningTensorflow & { binding: { TF_Version: string }; isGPUPackage: boolean; isUsingGpuDevice: boolean };

/** Why the op does not run, and what to do. */
interface Missing {
  missing: string;
}

/** The outcome by backend, because one may be removed and another made. */
const outcomes = new WeakMap<KernelBackend, FusedPasses | Missing>();

/** Starts softseg's own op where TensorFlow computes on the processor. Returns why not and what to do, if so. */
export async function startFusedKernels({ backend: name, device }: Started): Promise<string | undefined> {
  if (kernelsVariable(ownEnvironment()) === 'composed') return 'not used, because SOFTSEG_KERNELS=composed';
  if (name !== 'tensorflow' || device !== 'cpu') return undefined;
  const backend = (await loadCore()).findBackend('tensorflow') as NativeBackend;
  const op = wholeOp(backend);
  // The process that tries it runs beside this one.
  const outcome = 'missing' in op ? op : start(op, await tryFirst(op.of, op.path), backend);
  outcomes.set(backend, outcome);
  if ('missing' in outcome) return outcome.missing;
  const { useFusedPasses } = await import('../kernels/select.js');
  useFusedPasses('tensorflow', backend, outcome);
  return undefined;
}

/** The outcome of starting the op on a backend of tfjs-node's. */
interface Found {
  passes: FusedPasses | null;
  /** For the user, where it does not run: why not, and what to do. Undefined if load() has told it. */
  advice?: string;
}

/**
 * The passes of softseg's op on a backend of tfjs-node's. It is started if nobody has.
 *
 * @internal
 */
export function findPasses(running: KernelBackend): Found {
  const backend = running as NativeBackend;
  const before = outcomes.get(backend);
  const outcome = before ?? startNow(backend);
  outcomes.set(backend, outcome);
  if (!('missing' in outcome)) return { passes: outcome };
  return { passes: null, advice: before ? undefined : visibleLine(outcome.missing) };
}

function startNow(backend: NativeBackend): FusedPasses | Missing {
  try {
    const op = wholeOp(backend);
    return 'missing' in op ? op : start(op, tryFirstNow(op.of, op.path), backend);
  } catch (error) {
    return { missing: messageOf(error) };
  }
}

const packageOf = ({ isGPUPackage }: NativeBackend) =>
  isGPUPackage ? '@tensorflow/tfjs-node-gpu' : '@tensorflow/tfjs-node';

/** The op that goes with the TensorFlow that runs, and is as it was installed. */
function wholeOp(backend: NativeBackend): { of: Named; path: string } | Missing {
  const name = packageOf(backend);
  if (!libraryOf(name)) return { missing: 'softseg has no op for this system' };
  const of = findPackage(name);
  const home = of && homeOf(of);
  if (!of || home?.library.version !== backend.binding.TF_Version) {
    return { missing: foreignLibrary(of && bindingOf(of.folder)) };
  }
  const op = opOf(home);
  if (!op) return { missing: `the op is not compiled; run \`${installCommand(name)}\`` };
  const fault = faultOfOp(op);
  return fault === undefined ? { of, path: op.path } : { missing: tell(fault) };
}

function start({ of, path }: { of: Named; path: string }, trial: Trial, backend: NativeBackend): FusedPasses | Missing {
  const untried = trial.untried ?? trial.binding;
  if (untried !== undefined) return { missing: `the op was not tried: ${untried}` };
  const broken = (why: string) => ({ missing: `the op does not run (${why}); run \`${installCommand(of.name)}\`` });
  if (trial.op !== undefined) return broken(trial.op);
  try {
    return loadOp(path, backend);
  } catch (error) {
    return broken(messageOf(error).split('\n')[0]!);
  }
}
