/**
 * The smallest and the largest value of each pixel and its neighbours. They are computed from slices and elementwise
 * ops, which every backend has in any number of dimensions and with gradients of any order (tfjs's pools have first
 * gradients only, and the gradient of tf.minimum cannot be differentiated). In a tie the gradient goes where PyTorch
 * sends it: to the first pixel of a window, or in halves to both sides of a minimum of two.
 */
import * as tf from '@tensorflow/tfjs-core';
import type { Tensor } from '@tensorflow/tfjs-core';
import { sign } from '../ops/sign.js';
import { withGradient } from '../ops/withGradient.js';

/** The smallest value of each pixel and its neighbours along the axes: erosion with a cross. */
export function smallestOfCross(x: Tensor, axes: readonly number[]): Tensor {
  return axes.map((axis) => extremeAlong(x, axis, 'smallest')).reduce(smaller);
}

/** The largest value of each pixel and its neighbours, including diagonal ones: dilation with a square or a cube. */
export function largestOfCube(x: Tensor, axes: readonly number[]): Tensor {
  // The last axis first, so that a tie goes to the first pixel in row-major order.
  return axes.reduceRight((all, axis) => extremeAlong(all, axis, 'largest'), x);
}

/** The smallest or largest of each pixel and its two neighbours along an axis. Edges are replicated. */
function extremeAlong(x: Tensor, axis: number, which: 'smallest' | 'largest'): Tensor {
  if (x.shape[axis] === 1) return x;
  const extreme = which === 'smallest' ? tf.minimum : tf.maximum;
  return withGradient(
    x,
    (x) => ({ value: extreme(extreme(before(x, axis), x), after(x, axis)), saved: [x] }),
    (dy, [x]) => extremeGradient(x, dy, axis, which),
  );
}

function extremeGradient(x: Tensor, dy: Tensor, axis: number, which: 'smallest' | 'largest'): Tensor {
  const [previous, next] = [before(x, axis), after(x, axis)];
  /** 1 where b is more extreme than a (smaller or larger), else 0. */
  const beats = (b: Tensor, a: Tensor) => tf.step(which === 'smallest' ? tf.sub(a, b) : tf.sub(b, a));
  const notFirst = beats(x, previous);
  const last = tf.add(tf.mul(beats(next, previous), tf.sub(1, notFirst)), tf.mul(beats(next, x), notFirst));
  const toNext = tf.mul(dy, last);
  const rest = tf.sub(dy, toNext);
  const toItself = tf.mul(rest, notFirst);
  return tf.addN([backFromBefore(tf.sub(rest, toItself), axis), toItself, backFromAfter(toNext, axis)]);
}

/** The predecessor of each pixel along the axis; the first pixel is its own. */
function before(x: Tensor, axis: number): Tensor {
  const size = x.shape[axis]!;
  return tf.concat([part(x, axis, 0, 1), part(x, axis, 0, size - 1)], axis);
}

/** The successor of each pixel along the axis; the last pixel is its own. */
function after(x: Tensor, axis: number): Tensor {
  const size = x.shape[axis]!;
  return tf.concat([part(x, axis, 1, size - 1), part(x, axis, size - 1, 1)], axis);
}

/** The transpose of `before`. */
function backFromBefore(dy: Tensor, axis: number): Tensor {
  const size = dy.shape[axis]!;
  return tf.add(padded(part(dy, axis, 1, size - 1), axis, 0, 1), padded(part(dy, axis, 0, 1), axis, 0, size - 1));
}

/** The transpose of `after`. */
function backFromAfter(dy: Tensor, axis: number): Tensor {
  const size = dy.shape[axis]!;
  return tf.add(
    padded(part(dy, axis, 0, size - 1), axis, 1, 0),
    padded(part(dy, axis, size - 1, 1), axis, size - 1, 0),
  );
}

function part(x: Tensor, axis: number, begin: number, size: number): Tensor {
  const whole = x.shape.map((length, i) => (i === axis ? size : length));
  return tf.slice(
    x,
    whole.map((_, i) => (i === axis ? begin : 0)),
    whole,
  );
}

function padded(x: Tensor, axis: number, front: number, back: number): Tensor {
  return tf.pad(
    x,
    x.shape.map((_, i) => (i === axis ? [front, back] : [0, 0])),
  );
}

/** The smaller of two values, element by element. */
function smaller(a: Tensor, b: Tensor): Tensor {
  return withGradient(
    [a, b],
    (a, b) => ({ value: tf.minimum(a, b), saved: [a, b] }),
    (dy, [a, b]) => {
      // 1 where a is smaller, 1/2 where it is equal, 0 where it is larger.
      const share = tf.mul(tf.add(sign(tf.sub(b, a)), 1), 0.5);
      const toFirst = tf.mul(dy, share);
      return [toFirst, tf.sub(dy, toFirst)];
    },
  );
}
