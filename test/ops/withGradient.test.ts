import { describe, expect, test } from '@jest/globals';
import * as tf from '@tensorflow/tfjs-core';
import type { Tensor, Tensor1D } from '@tensorflow/tfjs-core';
import { withGradient } from '../../src/ops/withGradient.js';

/** x³, with an explicit gradient. */
function cube(x: Tensor1D): Tensor1D {
  return withGradient(
    x,
    (x) => ({ value: tf.mul<Tensor1D>(tf.square(x), x), saved: [x] }),
    (dy, [x]) => tf.mul(dy, tf.mul(tf.square(x), 3)),
  );
}

describe('a function with its own gradient', () => {
  test('can have one input', () => {
    const { value, grad } = tf.valueAndGrad((x) => cube(x as Tensor1D))(tf.tensor1d([2, -1]));
    expect([...value.dataSync()]).toEqual([8, -1]);
    expect([...grad.dataSync()]).toEqual([12, 3]);
  });

  test('has second gradients through the values it saves', () => {
    const slope = (x: Tensor) => tf.grad((x) => cube(x as Tensor1D))(x);
    expect([
      ...tf
        .grad(slope)(tf.tensor1d([2, -1]))
        .dataSync(),
    ]).toEqual([12, -6]);
  });

  test('can have several inputs', () => {
    const weighted = (a: Tensor, b: Tensor) =>
      withGradient(
        [a, b],
        (a, b) => ({ value: tf.add(a, tf.mul(b, 2)), saved: [] }),
        (dy) => [dy, tf.mul(dy, 2)],
      );
    const [da, db] = tf.grads(weighted)([tf.tensor1d([1, 2]), tf.tensor1d([3, 4])]);
    expect([...da!.dataSync(), ...db!.dataSync()]).toEqual([1, 1, 2, 2]);
  });

  test('is a constant without inputs', () => {
    const withConstant = (x: Tensor) =>
      tf.mul(
        x,
        withGradient(
          [],
          () => ({ value: tf.square(x), saved: [] }),
          () => [] as const,
        ),
      );
    expect([
      ...tf
        .grad(withConstant)(tf.tensor1d([3]))
        .dataSync(),
    ]).toEqual([9]);
  });

  test('gets its saved values in their positions, and null where it saved null', () => {
    const x = tf.tensor1d([1]);
    const given: unknown[] = [];
    const f = (x: Tensor) =>
      withGradient(
        x,
        (x) => ({ value: tf.clone(x), saved: [null, tf.tensor1d([5]), null, x] as const }),
        (dy, [none, five, alsoNone, x]) => {
          given.push(none, five.dataSync()[0], alsoNone, x.dataSync()[0]);
          return dy;
        },
      );
    tf.grad(f)(x);
    expect(given).toEqual([null, 5, null, 1]);
  });

  test('leaves no tensor when it throws, whatever it was about to save', () => {
    const x = tf.tensor1d([1, 2]);
    const f = (x: Tensor) =>
      withGradient(
        x,
        (x) => {
          const saved = [x, tf.square(x)];
          if (saved.length > 0) throw new Error('refused');
          return { value: x, saved };
        },
        (dy) => dy,
      );
    const before = tf.memory().numTensors;
    expect(() => tf.grad(f)(x)).toThrow('refused');
    expect(tf.memory().numTensors).toBe(before);
  });

  test('keeps nothing if no gradient is taken', () => {
    const x = tf.tensor1d([1, 2]);
    const before = tf.memory().numTensors;
    cube(x).dispose();
    expect(tf.memory().numTensors).toBe(before);
  });

  test('disposes intermediate tensors of its gradient before the next gradient is computed', () => {
    /** The number of tensors when the gradient of x arrives, after a gradient that makes `count` of them. */
    const heldAfter = (count: number): number => {
      let held = 0;
      const counting = (x: Tensor) =>
        withGradient(
          x,
          (x) => ({ value: tf.clone(x), saved: [] }),
          (dy) => {
            held = tf.memory().numTensors;
            return tf.clone(dy);
          },
        );
      const wasteful = (x: Tensor) =>
        withGradient(
          x,
          (x) => ({ value: tf.clone(x), saved: [] }),
          (dy) => Array.from({ length: count }).reduce<Tensor>((all) => tf.mul(all, 2), dy),
        );
      tf.tidy(() => void tf.grad((x) => wasteful(counting(x)))(tf.tensor1d([1, 2])));
      return held;
    };
    expect(heldAfter(10)).toBe(heldAfter(1));
  });
});

test('the compiler knows the saved values and the number of gradients', () => {
  const [a, b] = [tf.tensor1d([1]), tf.tensor2d([[2]])];
  const value: Tensor1D = withGradient(
    [a, b],
    (a, b) => ({ value: a, saved: [b, null] as const }),
    (dy, [b, none]) => {
      const [upstream, matrix, nothing]: [Tensor1D, tf.Tensor2D, null] = [dy, b, none];
      return [upstream, matrix, nothing].slice(0, 2) as [Tensor, Tensor];
    },
  );
  expect(value.shape).toEqual([1]);
  // @ts-expect-error two inputs need two gradients
  withGradient(
    [a, b],
    (a, _) => ({ value: a, saved: [] }),
    (dy) => [dy],
  );
  withGradient(
    a,
    (a) => ({ value: a, saved: [a] }),
    // @ts-expect-error only one value was saved
    (dy, [_, other]) => tf.mul(dy, other),
  );
});
