/** A kernel may do one thing with the tensors that it is given: read them, until it returns. */
import { expect, test } from '@jest/globals';
import * as tf from '@tensorflow/tfjs-core';
import { PASS_SUMS } from '../../src/kernels/contract.js';
import { currentKernels } from '../../src/kernels/select.js';
import { attributesOf, inputsOf, makeProblem } from './problems.js';

const attributes = attributesOf('softmax', 3);
const size = { samples: 2, pixels: 37, classes: 3, labelKind: 'float32', weights: 'weights', attributes } as const;

/** A copy, because the cpu backend hands out its own array. */
const valuesOf = (x: tf.Tensor): number[] => [...x.dataSync()];

test.each(['last', 'first', 'between'] as const)(
  'a pass changes no input, keeps none, and gives data of its own, with the class axis %s',
  (place) => {
    const before = tf.memory().numDataBuffers;
    const { labels, predictions, weights, ...rest } = inputsOf(makeProblem({ ...size, place }));
    const given = [labels, predictions, weights!];
    const valuesBefore = given.map(valuesOf);
    const passes = [
      (labels: tf.Tensor, predictions: tf.Tensor) =>
        currentKernels().sums({ ...rest, labels, predictions, weights }, attributes, PASS_SUMS),
      (labels: tf.Tensor, predictions: tf.Tensor) =>
        currentKernels().entropyMap({ ...rest, labels, predictions, weights }, attributes, [1, 2, 3]),
    ];
    const results = tf.tidy(() =>
      passes.flatMap((pass) => [pass(labels, predictions), ...tf.grads(pass)([labels, predictions])]),
    );
    expect(given.map(valuesOf)).toEqual(valuesBefore);

    const values = results.map(valuesOf);
    tf.dispose(given);
    // These take the place of data that were freed although a result still needs them.
    const others = valuesBefore.map((values) => tf.fill([values.length], 7));
    expect(results.map(valuesOf)).toEqual(values);
    tf.dispose([...results, ...others]);
    expect(tf.memory().numDataBuffers).toBe(before);
  },
);
