import type * as Core from '@tensorflow/tfjs-core';
import { kernelsVariable, ownEnvironment } from '../environment.js';
import { bindingOf, foreignLibrary, homeOf, installCommand, libraryOf } from './provision/binding.js';
import { loadCore, type Started } from './startBackend.js';
import { messageOf } from './system/errors.js';
import { faultOf, opOf, tell } from './provision/inspect.js';
import { loadOp, type RunningTensorflow } from './loadOp.js';
import { findPackage } from './system/packages.js';
import { tryFirst } from './provision/trials.js';

/** Starts softseg's own op where TensorFlow computes on the processor. Returns why not and what to do, if so. */
export async function startFusedKernels({ backend, device, version }: Started): Promise<string | undefined> {
  if (kernelsVariable(ownEnvironment()) === 'composed') return 'not used, because SOFTSEG_KERNELS=composed';
  if (backend !== 'tensorflow' || device !== 'cpu') return undefined;
  const tf = await loadCore();
  const running = tf.findBackend('tensorflow') as unknown as Core.KernelBackend &
    RunningTensorflow & { isGPUPackage: boolean };
  const name = running.isGPUPackage ? '@tensorflow/tfjs-node-gpu' : '@tensorflow/tfjs-node';
  if (!libraryOf(name)) return 'softseg has no op for this system';
  const found = findPackage(name);
  const home = found && homeOf(found);
  if (!found || home?.library.version !== version) return foreignLibrary(found && bindingOf(found.folder));
  const command = installCommand(name);
  const op = opOf(home);
  if (!op) return `the op is not compiled; run \`${command}\``;
  const fault = await faultOf(op);
  if (fault !== undefined) return tell(fault);
  const trial = await tryFirst(found, op.path);
  if (trial.untried !== undefined) return `the op was not tried: ${trial.untried}`;
  if (trial.op !== undefined) return `the op does not run (${trial.op}); run \`${command}\``;
  try {
    const passes = loadOp(op.path, running);
    const { useFusedPasses } = await import('../kernels/select.js');
    useFusedPasses('tensorflow', running, passes);
    return undefined;
  } catch (error) {
    return `the op does not run (${messageOf(error).split('\n')[0]}); run \`${command}\``;
  }
}
