// Values and gradients of other libraries, recorded by lovasz-entmax.py.
import { describe, test } from '@jest/globals';
import * as tf from '@tensorflow/tfjs-core';
import * as softseg from '../../src/index.js';
import * as entmaxReference from '../reference/entmax.js';
import * as lovaszReference from '../reference/lovasz.js';
import { expectClose, toArray } from '../support/compare.js';
import type { ReferenceLoss } from '../support/oracle.js';
import golden from './lovasz-entmax.json' with { type: 'json' };

type LossName = 'lovaszHingeLoss' | 'lovaszSoftmaxLoss';
type RelaxationName = 'sparsemax' | 'entmax15' | 'entmax';

interface Input {
  shape: number[];
  dtype: 'int32' | 'float32';
  data: number[];
}

const inputs = golden.inputs as Record<string, Input>;
const versions: Record<string, string> = golden.versions;

function input(name: string): tf.Tensor {
  const { data, shape, dtype } = inputs[name]!;
  return tf.tensor(data, shape, dtype);
}

const like = (data: number[], { shape }: tf.Tensor) => tf.tensor(data, shape);

describe('the Lovász losses and the float64 reference', () => {
  test.each(
    golden.losses.map((each) => [`${each.library} ${versions[each.library]}: ${each.call}, ${each.labels}`, each]),
  )('equal those of %s', (_, each) => {
    const { ours, options, labels, logits, value, gradient } = each as (typeof golden.losses)[number];
    tf.tidy(() => {
      const z = input(logits);
      const loss = softseg[ours as LossName] as (t: tf.Tensor, z: tf.Tensor, options: object) => tf.Tensor;
      const expected = lovaszReference[ours as LossName] as ReferenceLoss;
      expectClose(expected(toArray(input(labels)), toArray(z), options), tf.scalar(value[0]!), 1e-6);
      expectClose(loss(input(labels), z, options), tf.scalar(value[0]!));
      expectClose(tf.grad((x) => loss(input(labels), x, options))(z), like(gradient, z));
    });
  });
});

describe('the sparse relaxations and the float64 reference', () => {
  test.each(golden.relaxations.map((each) => [`entmax ${versions['entmax']}: ${each.call}, ${each.logits}`, each]))(
    'equal those of %s',
    (_, each) => {
      const { ours, options, logits, factors, value, gradient } = each as (typeof golden.relaxations)[number];
      tf.tidy(() => {
        const z = input(logits);
        const relax = softseg[ours as RelaxationName] as (z: tf.Tensor, options: object) => tf.Tensor;
        expectClose(entmaxReference[ours as RelaxationName](toArray(z), options), like(value, z), 1e-6);
        expectClose(relax(z, options), like(value, z), 2e-6);
        expectClose(tf.grad((x) => tf.sum(tf.mul(relax(x, options), input(factors))))(z), like(gradient, z));
      });
    },
  );
});
