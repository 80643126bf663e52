import type { KernelBackend } from '@tensorflow/tfjs-core';
import { kernelsVariable, ownEnvironment } from '../environment.js';
import type { FusedPasses } from '../kernels/fused/passes.js';
import { loadOp, type RunningTensorflow } from './loadOp.js';
import { bindingOf, foreignLibrary, homeOf, installCommand, libraryOf, type Named } from './provision/binding.js';
import { faultOfOp, opOf, faultMessage } from './provision/inspect.js';
import { tryFirst, tryFirstNow, type Trial } from './provision/trials.js';
import { loadCore, type Started } from './startBackend.js';
import { messageOf } from './system/errors.js';
import { findPackage } from './system/packages.js';
import { visibleLine } from './system/terminal.js';

// Starts softseg's own op: a TensorFlow operation in native code that computes the losses' passes over pixels. It is
// started by load(), or by the first loss that runs where TensorFlow computes on the processor.

/** The backend of tfjs-node, with the fields that are used here. */
type NativeBackend = KernelBackend &
  RunningTensorflow & { binding: { TF_Version: string }; isGPUPackage: boolean; isUsingGpuDevice: boolean };

/** The reason why the op does not run, and what to do. */
interface Missing {
  missing: string;
}

/** The outcome for each backend; a backend may be removed and another one made. */
const outcomes = new WeakMap<KernelBackend, FusedPasses | Missing>();

/** Starts softseg's own op where TensorFlow computes on the processor. If that fails, returns why and what to do. */
export async function startFusedKernels({ backend: name, device }: Started): Promise<string | undefined> {
  if (kernelsVariable(ownEnvironment()) === 'composed') return 'not used, because SOFTSEG_KERNELS=composed';
  if (name !== 'tensorflow' || device !== 'cpu') return undefined;
  const backend = (await loadCore()).findBackend('tensorflow') as NativeBackend;
  const op = wholeOp(backend);
  // The trial runs in another process, and this one goes on meanwhile.
  const outcome = 'missing' in op ? op : start(op, await tryFirst(op.of, op.path), backend);
  outcomes.set(backend, outcome);
  if ('missing' in outcome) return outcome.missing;
  const { useFusedPasses } = await import('../kernels/select.js');
  useFusedPasses('tensorflow', backend, outcome);
  return undefined;
}

/** The outcome of starting the op on a backend of tfjs-node. */
interface Found {
  passes: FusedPasses | null;
  /** If the op does not run: why, and what the user can do. Undefined if that was reported before (by load()). */
  advice?: string;
}

/**
 * The passes of softseg's op on a backend of tfjs-node. The op is started if it was not before.
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

/** The op compiled for the TensorFlow that runs, if it is undamaged; otherwise why it cannot be used. */
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
  return fault === undefined ? { of, path: op.path } : { missing: faultMessage(fault) };
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
