import * as tf from '@tensorflow/tfjs-core';
import type { Tensor, Tensor3D } from '@tensorflow/tfjs-core';
import { currentFunction } from '../argumentError.js';
import {
  checkAxis,
  checkDtype,
  checkHoldsValues,
  checkLabelValue,
  checkNumber,
  checkTensor,
  fail,
  show,
  showShape,
} from '../checks.js';
import { constant } from '../ops/constant.js';
import type { EntropyTerm, PassActivation, PassAttributes } from '../kernels/contract.js';
import { layoutOf, sameShape, toLabelPixels, type LabelKind, type Layout } from '../kernels/layout.js';
import { toFloat } from '../ops/toFloat.js';
import type { InputOptions, Relaxation } from './options.js';
import { checkPixelValues, type LabelRule } from './valueChecks.js';

/**
 * Labels and predictions with every option about how to read them resolved. The tensors are kept as they were passed
 * (so that a gradient keeps no transposed copy of them alive); layout.ts goes to [N,P,C] and back.
 */
export interface LossInputs {
  /** Logits, or probabilities with activation 'none'. */
  predictions: Tensor;
  labels: Tensor;
  labelKind: LabelKind;
  /** Float32 [N,P,1], 0 where a pixel does not count; null if all count as 1. */
  weights: Tensor3D | null;
  activation: PassActivation;
  sharpness: number;
  layout: Layout;
  /** The function that errors about the sums name; null where labels are not shares, so that sums may be anything. */
  fn: string | null;
}

/** How labels and predictions are read, as far as their values are checked. */
export interface Reading {
  rule?: LabelRule;
  /** Each pixel is given to one class, so that under softmax only the order of its logits counts. */
  hard?: boolean;
}

/**
 * Checks the arguments of the function that runs and resolves them; of their values, on the calls that `checkValues` says,
 * that labels keep the rule. Call it inside tf.tidy.
 */
export function resolveInputs(
  labels: Tensor,
  predictions: Tensor,
  options: InputOptions,
  { rule = 'shares', hard = false }: Reading = {},
): LossInputs {
  checkTensor('labels', labels);
  checkTensor('predictions', predictions);
  const layout = resolveLayout(predictions, options.axis);
  const labelKind = resolveLabelKind(labels, layout, options.axis ?? -1);
  checkIgnoreLabel(options.ignoreLabel, labelKind);
  checkMask(options.mask, layout);
  const activation = resolveActivation(options.activation, layout.classes);
  const sharpness = resolveSharpness(options.sharpness, activation);

  const weights = pixelWeights(labels, labelKind, layout, options);
  const relaxed = typeof activation === 'function';
  const inputs: LossInputs = {
    predictions: relaxed ? relax(activation, predictions, weights, layout) : predictions,
    labels,
    labelKind,
    weights,
    activation: relaxed ? 'none' : activation,
    sharpness,
    layout,
    fn: currentFunction,
  };
  checkPixelValues(
    {
      labels: { tensor: labels, kind: labelKind, rule },
      predictions: { tensor: inputs.predictions, as: relaxed ? 'relaxed' : activation, sharpness, hard },
      weights,
      layout,
    },
    options,
  );
  return inputs;
}

function resolveLayout(predictions: Tensor, axisOption: number | undefined): Layout {
  const { shape } = predictions;
  if (predictions.dtype !== 'float32') {
    fail(`predictions must be float32, got ${predictions.dtype}; labels come first, then logits`);
  }
  if (shape.length < 2) fail(`predictions must be [N, ...spatial, C], got shape ${showShape(shape)}`);
  checkHoldsValues('predictions', predictions);
  return layoutOf(shape, checkAxis(axisOption ?? -1, shape, 'axis', 1));
}

export function resolveLabelKind(labels: Tensor, layout: Layout, axisOption: number): LabelKind {
  const { shape, axis, classes } = layout;
  const without = shape.filter((_, i) => i !== axis);
  const single = shape.map((size, i) => (i === axis ? 1 : size));
  if (!['float32', 'int32', 'bool'].includes(labels.dtype)) {
    fail(`labels must be float32, int32 or bool, got ${labels.dtype}`);
  }
  // int32 masks of one class are indices too, so that any ignoreLabel works on them.
  if (sameShape(labels.shape, shape)) return labels.dtype === 'int32' && classes === 1 ? 'indices' : 'soft';
  if (sameShape(labels.shape, without) || sameShape(labels.shape, single)) {
    if (labels.dtype === 'int32') return 'indices';
    fail(
      `class indices must be int32, got ${labels.dtype} labels ${showShape(labels.shape)} for predictions ` +
        `${showShape(shape)}; soft labels have the shape of the predictions`,
    );
  }
  if (labels.rank === shape.length) {
    const differing = shape.flatMap((size, i) => (labels.shape[i] === size ? [] : [i]));
    const where = differing.map((i) => (i === axis ? `the class axis (${axisOption})` : `axis ${i}`)).join(' and ');
    fail(`labels ${showShape(labels.shape)} and predictions ${showShape(shape)} differ on ${where}`);
  }
  fail(
    `labels ${showShape(labels.shape)} must have the shape of the predictions ${showShape(shape)}, or, as class ` +
      `indices, ${showShape(without)}${classes === 1 ? '' : ` or ${showShape(single)}`}`,
  );
}

export function checkIgnoreLabel(ignoreLabel: number | undefined, kind: LabelKind): void {
  if (ignoreLabel === undefined) return;
  checkLabelValue('ignoreLabel', ignoreLabel, kind === 'indices' ? 'class indices' : null);
  if (kind === 'soft' && ignoreLabel >= 0 && ignoreLabel <= 1) {
    fail(`ignoreLabel must lie outside [0, 1] for soft labels, got ${ignoreLabel}`);
  }
}

/** `given` says what the mask belongs to, where that is not predictions of the layout's shape. */
export function checkMask(
  mask: Tensor | undefined,
  { samples, spatial, shape }: Layout,
  given = `predictions ${showShape(shape)}`,
): void {
  if (mask === undefined) return;
  checkTensor('mask', mask);
  checkDtype('mask', mask, ['bool', 'int32', 'float32']);
  const expected = [samples, ...spatial];
  if (!sameShape(mask.shape, expected)) {
    fail(`mask must have shape ${showShape(expected)} ([N, ...spatial]) for ${given}, got ${showShape(mask.shape)}`);
  }
}

/** How predictions become probabilities unless an option says otherwise. */
export function defaultActivation(classes: number): PassActivation {
  return classes === 1 ? 'sigmoid' : 'softmax';
}

/** Categorical or binary: what the cross-entropy of these probabilities is, unless a loss says otherwise. */
export function entropyKind(activation: PassActivation, classes: number): EntropyTerm['kind'] {
  if (activation === 'softmax') return 'categorical';
  return activation === 'none' && classes > 1 ? 'categorical' : 'binary';
}

/** The cross-entropy without any option of a loss. */
export function plainEntropy({ activation, layout }: LossInputs): EntropyTerm {
  const kind = entropyKind(activation, layout.classes);
  return { kind, labelSmoothing: 0, posWeight: null, subtractEntropy: false };
}

/** Whether it is the cross-entropy that `overlap` adds up. */
export function isPlainEntropy(entropy: EntropyTerm, activation: PassActivation, classes: number): boolean {
  const { kind, labelSmoothing, posWeight, subtractEntropy } = entropy;
  return kind === entropyKind(activation, classes) && labelSmoothing === 0 && posWeight === null && !subtractEntropy;
}

export function passAttributes({ activation, sharpness }: LossInputs, entropy: EntropyTerm): PassAttributes {
  return { activation, sharpness, entropy };
}

/** Checks the option, and names the default. */
export function resolveActivation(
  activation: InputOptions['activation'],
  classes: number,
): PassActivation | Relaxation {
  if (activation === undefined) return defaultActivation(classes);
  if (typeof activation === 'function') return activation;
  if (activation === 'softmax' && classes === 1) {
    fail(`activation 'softmax' needs at least two classes (over one it is always 1); use 'sigmoid'`);
  }
  if (activation === 'softmax' || activation === 'sigmoid' || activation === 'none') return activation;
  fail(`activation must be 'softmax', 'sigmoid', 'none' or a function, got ${show(activation)}`);
}

/** Checks the option against the activation, and names the default. */
export function resolveSharpness(sharpness: number | undefined, activation: PassActivation | Relaxation): number {
  if (sharpness === undefined) return 1;
  checkNumber('sharpness', sharpness, { least: 0, open: true });
  if (sharpness !== 1 && (activation === 'none' || typeof activation === 'function')) {
    const kind = activation === 'none' ? `'none'` : 'a function';
    fail(`sharpness goes with activation 'softmax' or 'sigmoid', not with ${kind}, got ${sharpness}`);
  }
  return sharpness;
}

export function pixelWeights(labels: Tensor, kind: LabelKind, layout: Layout, options: InputOptions): Tensor3D | null {
  const { samples, pixels } = layout;
  const { mask, ignoreLabel } = options;
  if (!mask && ignoreLabel === undefined) return null;
  return constant(() => {
    const weights = mask && tf.reshape(toFloat(mask), [samples, pixels, 1]);
    if (ignoreLabel === undefined) return weights as Tensor3D;
    const differs = tf.notEqual(toFloat(toLabelPixels(labels, kind, layout)), ignoreLabel);
    const labelled = tf.reshape(kind === 'soft' ? tf.all(differs, 2) : differs, [samples, pixels, 1]);
    return (weights ? tf.where(labelled, weights, tf.zerosLike(weights)) : toFloat(labelled)) as Tensor3D;
  });
}

/** Applies a user's relaxation, with 0 for the logits of the pixels that do not count. */
function relax(relaxation: Relaxation, z: Tensor, weights: Tensor3D | null, layout: Layout): Tensor {
  const { shape, axis } = layout;
  let logits = z;
  if (weights) {
    const counts = constant(() => {
      const perPixel = tf.reshape(
        tf.greater(weights, 0),
        shape.map((size, i) => (i === axis ? 1 : size)),
      );
      return tf.broadcastTo(perPixel, [...shape]);
    });
    logits = tf.where(counts, z, tf.zerosLike(z));
  }
  const p: unknown = relaxation(logits);
  checkTensor('the result of the activation function', p);
  if (!sameShape(p.shape, shape) || p.dtype !== 'float32') {
    fail(`the activation function must keep shape ${showShape(shape)} and float32, got ${show(p)}`);
  }
  return p;
}
