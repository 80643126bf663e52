/**
 * The least and the largest of each pixel and its neighbours, from slices and elementwise ops, which every backend has in
 * any number of dimensions and to any order of gradients (tfjs's pools have one gradient, tf.minimum's cannot be
 * differentiated). In a tie the gradient goes where PyTorch sends it: to the first pixel of a window, in halves to both
 * sides of a minimum of two.
 */
import * as tf from '@tensorflow/tfjs-core';
import type { Tensor } from '@tensorflow/tfjs-core';
import { sign } from '../ops/sign.js';
import { withGradient } from '../ops/withGradient.js';

/** The least of the pixel and its neighbours along any of the axes: erosion with a cross. */
export function leastOfCross(x: Tensor, axes: readonly number[]): Tensor {
  return axes.map((axis) => extremeAlong(x, axis, 'least')).reduce(lesser);
}

/** The largest of the pixel and its neighbours, diagonal ones too: dilation with a square or a cube. */
export function largestOfCube(x: Tensor, axes: readonly number[]): Tensor {
  // The last axis first, so that a tie goes to the first pixel in row-major order.
  return axes.reduceRight((all, axis) => extremeAlong(all, axis, 'largest'), x);
}

/** Of three pixels along an axis. Outside there is nothing: an edge stands beside itself. */
function extremeAlong(x: Tensor, axis: number, which: 'least' | 'largest'): Tensor {
  if (x.shape[axis] === 1) return x;
  const extreme = which === 'least' ? tf.minimum : tf.maximum;
  return withGradient(
    x,
    (x) => ({ value: extreme(extreme(before(x, axis), x), after(x, axis)), saved: [x] }),
    (dy, [x]) => extremeGradient(x, dy, axis, which),
  );
}

function extremeGradient(x: Tensor, dy: Tensor, axis: number, which: 'least' | 'largest'): Tensor {
  const [previous, next] = [before(x, axis), after(x, axis)];
  /** 1 where b is farther out than a, else 0. */
  const beats = (b: Tensor, a: Tensor) => tf.step(which === 'least' ? tf.sub(a, b) : tf.sub(b, a));
  const notFirst = beats(x, previous);
  const last = tf.add(tf.mul(beats(next, previous), tf.sub(1, notFirst)), tf.mul(beats(next, x), notFirst));
  const toNext = tf.mul(dy, last);
  const rest = tf.sub(dy, toNext);
  const toItself = tf.mul(rest, notFirst);
  return tf.addN([backFromBefore(tf.sub(rest, toItself), axis), toItself, backFromAfter(toNext, axis)]);
}

/** Each pixel's predecessor along the axis; the first one's is itself. */
function before(x: Tensor, axis: number): Tensor {
  const size = x.shape[axis]!;
  return tf.concat([part(x, axis, 0, 1), part(x, axis, 0, size - 1)], axis);
}

/** Each pixel's successor; the last one's is itself. */
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

/** The lesser of two values. */
function lesser(a: Tensor, b: Tensor): Tensor {
  return withGradient(
    [a, b],
    (a, b) => ({ value: tf.minimum(a, b), saved: [a, b] }),
    (dy, [a, b]) => {
      // 1, 1/2 or 0, as a is less, the same or more.
      const share = tf.mul(tf.add(sign(tf.sub(b, a)), 1), 0.5);
      const toFirst = tf.mul(dy, share);
      return [toFirst, tf.sub(dy, toFirst)];
    },
  );
}
