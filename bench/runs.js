// One forward + backward in tfjs: timed, with its value and gradient, and with the peak of the tensors it makes.
import * as tf from '@tensorflow/tfjs';
import * as softseg from 'softseg';
import { readData } from './data.js';
import { plain } from './plain.js';

const { kernelsInUse, useKernels } = softseg;

/** softseg's loss with the kernels it chooses, softseg's loss with composed kernels, and the loss without softseg. */
const losses = {
  softseg: { kernels: 'auto', of: softseg },
  composed: { kernels: 'composed', of: softseg },
  plain: { kernels: 'auto', of: plain },
};

/** The variants that differ on this backend. */
export function tfjsVariants() {
  useKernels('auto');
  return kernelsInUse() === 'composed' ? ['softseg', 'plain'] : ['softseg', 'composed', 'plain'];
}

export function tensorsOf(folder, shape, kinds) {
  const tensors = { logits: tf.tensor(readData(folder, shape, 'logits'), shape) };
  if (kinds.includes('soft')) tensors.soft = tf.tensor(readData(folder, shape, 'soft'), shape);
  if (kinds.includes('indices')) {
    tensors.indices = tf.tensor(readData(folder, shape, 'indices'), shape.slice(0, -1), 'int32');
  }
  return tensors;
}

/** Returns milliseconds. `look`, if given, gets the value and the gradient after the clock has stopped. */
export function run(variant, loss, labels, logits, look) {
  const { kernels, of } = losses[variant];
  useKernels(kernels);
  const start = performance.now();
  const { value, grads } = tf.valueAndGrads((z) => of[loss](labels, z))([logits]);
  const number = value.dataSync()[0];
  // These backends compute synchronously; on any other, reading one element would wait for the gradient.
  const first = tf.tidy(() => tf.slice(tf.reshape(grads[0], [-1]), [0], [1]));
  first.dataSync();
  const ms = performance.now() - start;
  look?.(number, grads[0].dataSync());
  tf.dispose([value, grads, first]);
  return ms;
}

/** One run: its ms, value and gradient, and the largest number of bytes of tensors beyond those before it. */
export function inspect(variant, loss, labels, logits) {
  const found = {};
  found.peakBytes = peakBytes(() => {
    found.ms = run(variant, loss, labels, logits, (value, gradient) => {
      found.value = value;
      found.gradient = gradient;
    });
  });
  return found;
}

/**
 * tf.profile only looks at the end of each kernel; this sees every change of tf.memory().numBytes. Memory inside
 * kernels is not in it, so process memory is measured as well.
 */
function peakBytes(action) {
  const { state } = tf.engine();
  const start = state.numBytes;
  let bytes = start;
  let peak = start;
  const set = (value) => {
    bytes = value;
    peak = Math.max(peak, value);
  };
  Object.defineProperty(state, 'numBytes', { configurable: true, enumerable: true, get: () => bytes, set });
  try {
    action();
  } finally {
    Object.defineProperty(state, 'numBytes', { configurable: true, enumerable: true, writable: true, value: bytes });
  }
  return peak - start;
}
