import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import type * as Core from '@tensorflow/tfjs-core';
import { bindingOf, installCommand, linkFromCache, type NativePackage } from './provision/binding.js';
import type { BackendChoice } from './system/environment.js';
import { BackendError, messageOf } from './system/errors.js';
import { noGpuDriver, visibleGpuDriver } from './system/gpu.js';
import { faultOfBinding, faultMessage } from './provision/inspect.js';
import { findPackage } from './system/packages.js';
import { whyAbsent, whyNotLinked } from './provision/checkPlaces.js';
import { prepareForTfjsNode } from './patchNodeUtil.js';
import { tryFirst, usableOp } from './provision/trials.js';

export interface Started {
  /** tfjs's name for the backend that is set now. */
  backend: 'tensorflow' | 'wasm' | 'cpu';
  /** Where it computes: on an NVIDIA GPU, or on the processor. */
  device: 'cuda' | 'cpu';
  /** The version of TensorFlow for `tensorflow`; otherwise that of tfjs's backend. */
  version: string;
}

/** Functions that each start one backend and set it, or throw a BackendError that says why not and what to do. */
export const candidates: Record<BackendChoice, () => Promise<Started>> = {
  cuda: startCuda,
  native: startNative,
  wasm: startWasm,
  cpu: startCpu,
};

/** The copy of tfjs-core that softseg's losses import. */
export async function loadCore(): Promise<typeof Core> {
  const found = findPackage('@tensorflow/tfjs-core');
  if (!found) throw new BackendError('@tensorflow/tfjs-core is not installed; run `npm install @tensorflow/tfjs`');
  return found.load() as typeof Core;
}

interface TfjsNodeBackend {
  binding: { TF_Version: string };
  isGPUPackage: boolean;
  isUsingGpuDevice: boolean;
}

async function startCuda(): Promise<Started> {
  const tf = await loadCore();
  if (!tf.findBackendFactory('tensorflow')) {
    if (!visibleGpuDriver()) throw new BackendError(noGpuDriver);
    await loadNative('@tensorflow/tfjs-node-gpu');
    demandSameCore(tf, 'tensorflow', '@tensorflow/tfjs-node-gpu');
  }
  const { isGPUPackage, isUsingGpuDevice } = tf.findBackend('tensorflow') as unknown as TfjsNodeBackend;
  if (!isGPUPackage) {
    throw new BackendError(
      '@tensorflow/tfjs-node is already loaded in this process, and a process can load only one native library; ' +
        "call load('cuda') first, in a new process, and do not import @tensorflow/tfjs-node",
    );
  }
  if (!isUsingGpuDevice) {
    throw new BackendError(
      visibleGpuDriver()
        ? 'TensorFlow finds no GPU that it can use; run `npx softseg install-native --cuda` for its CUDA libraries, ' +
            'or set TF_CPP_MIN_LOG_LEVEL=0 to see its messages'
        : noGpuDriver,
    );
  }
  return startTensorflow();
}

async function startNative(): Promise<Started> {
  const tf = await loadCore();
  if (tf.findBackendFactory('tensorflow')) return startTensorflow();
  try {
    await loadNative('@tensorflow/tfjs-node');
  } catch (error) {
    // The CUDA build runs on the processor too. If it is missing as well, the error about the plain one is reported.
    const other = findPackage('@tensorflow/tfjs-node-gpu');
    if (!other || !(await linkFromCache(other).catch(() => false))) throw error;
    await loadNative('@tensorflow/tfjs-node-gpu');
  }
  return startTensorflow();
}

/**
 * Loads tfjs-node or tfjs-node-gpu. All that can be wrong is checked before its modules are loaded, because they
 * register their kernels before they fail, and these would then conflict with those of the other native package.
 */
async function loadNative(name: NativePackage): Promise<void> {
  const found = findPackage(name);
  if (!found) throw new BackendError(`${name} is not installed; run \`npm install --ignore-scripts ${name}\``);
  const command = installCommand(name);
  let linked: boolean;
  try {
    linked = await linkFromCache(found);
  } catch (error) {
    throw new BackendError(await whyNotLinked(found, error));
  }
  if (!linked) throw new BackendError(await whyAbsent(found));
  if (lacksAvx()) {
    throw new BackendError(
      "this processor has no AVX, which TensorFlow's library needs; wasm is the next best backend",
    );
  }
  const fault = await faultOfBinding(found);
  if (fault !== undefined) throw new BackendError(faultMessage(fault));
  const trial = await tryFirst(found, usableOp(found));
  if (trial.untried !== undefined) throw new BackendError(`TensorFlow's library was not tried: ${trial.untried}`);
  if (trial.binding !== undefined) {
    throw new BackendError(`TensorFlow's library does not run (${trial.binding}); run \`${command}\``);
  }
  prepareForTfjsNode();
  try {
    createRequire(bindingOf(found.folder))(bindingOf(found.folder));
    found.load();
  } catch (error) {
    const reason = messageOf(error).split('\n')[0];
    throw new BackendError(`TensorFlow's library does not load (${reason}); run \`${command}\``);
  }
}

// TensorFlow's builds for x64 end the process on a processor without AVX.
function lacksAvx(): boolean {
  if (process.platform !== 'linux' || process.arch !== 'x64') return false;
  try {
    const flags = /^flags\s*:.*$/m.exec(readFileSync('/proc/cpuinfo', 'utf8'))?.[0];
    return flags !== undefined && !/\bavx\b/.test(flags);
  } catch {
    return false;
  }
}

async function startTensorflow(): Promise<Started> {
  const tf = await setBackend('tensorflow', '@tensorflow/tfjs-node');
  const { binding, isUsingGpuDevice } = tf.backend() as unknown as TfjsNodeBackend;
  return { backend: 'tensorflow', device: isUsingGpuDevice ? 'cuda' : 'cpu', version: binding.TF_Version };
}

async function startWasm(): Promise<Started> {
  const name = '@tensorflow/tfjs-backend-wasm';
  const tf = await loadCore();
  const found = findPackage(name);
  if (!tf.findBackendFactory('wasm')) {
    if (!found) throw new BackendError(`${name} is not installed; run \`npm install ${name}\``);
    found.load();
  }
  await withoutNewListeners(() => setBackend('wasm', name));
  const { enableWasmTraining } = await import('../wasmTraining/enableWasmTraining.js');
  enableWasmTraining();
  return { backend: 'wasm', device: 'cpu', version: found?.version ?? tf.version_core };
}

// The wasm module listens for uncaught errors of the whole process and throws them again, from its own code and with
// exit code 7, so the user's errors would look like errors of the module. These listeners are removed again.
async function withoutNewListeners<T>(start: () => Promise<T>): Promise<T> {
  const events = ['uncaughtException', 'unhandledRejection'];
  const before = events.map((event) => process.listeners(event as 'exit'));
  try {
    return await start();
  } finally {
    events.forEach((event, i) => {
      for (const listener of process.listeners(event as 'exit')) {
        if (!before[i]?.includes(listener)) process.removeListener(event, listener);
      }
    });
  }
}

async function startCpu(): Promise<Started> {
  const tf = await loadCore();
  const found = findPackage('@tensorflow/tfjs-backend-cpu') ?? findPackage('@tensorflow/tfjs');
  if (!tf.findBackendFactory('cpu')) {
    if (!found) throw new BackendError('@tensorflow/tfjs is not installed; run `npm install @tensorflow/tfjs`');
    found.load();
  }
  const { backend } = await setBackend('cpu', found?.name ?? '@tensorflow/tfjs-backend-cpu');
  // Otherwise its first use prints advice to install tfjs-node; `reasons` say what is really missing.
  (backend() as unknown as { firstUse: boolean }).firstUse = false;
  return { backend: 'cpu', device: 'cpu', version: found?.version ?? tf.version_core };
}

async function setBackend(backend: string, from: string): Promise<typeof Core> {
  const tf = await loadCore();
  demandSameCore(tf, backend, from);
  if (!(await tf.setBackend(backend))) throw new BackendError(`tfjs could not start its backend ${backend}`);
  await tf.ready();
  return tf;
}

/** Throws if a package was loaded but its backend is not registered here: then it uses another copy of tfjs-core. */
function demandSameCore(tf: typeof Core, backend: string, from: string): void {
  if (tf.findBackendFactory(backend)) return;
  throw new BackendError(
    `${from} uses another copy of @tensorflow/tfjs-core than softseg; see \`npm ls @tensorflow/tfjs-core\`, ` +
      'install all packages of tfjs at one version, and run `npm dedupe`',
  );
}
