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
 * Labels and predictions, with all options about how to read them resolved. The tensors are kept as they were passed,
 * so that a gradient keeps no transposed copy of them alive; layout.ts brings them to [N,P,C] and back.
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
  /**
   * The function to name in errors about the sums; null where labels are not shares in [0, 1], so that any sum is
   * possible.
   */
  fn: string | null;
}

/** The rules for values that depend on the function. */
export interface Reading {
  /** The rule that labels must keep. Default `'shares'`. */
  rule?: LabelRule;
  /** True if each pixel is assigned to one class, so that under softmax only the order of its logits matters. */
  hard?: boolean;
}

/**
 * Checks and resolves the arguments of the current function. Their values are checked too, on the calls that
 * `checkValues` chooses. Call it inside tf.tidy.
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
  // int32 masks of one class count as indices, so that ignoreLabel may be any integer for them.
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

/** Checks the mask against the layout. `given` names the tensor that it belongs to in the error message. */
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

/** The default of the option `activation`. */
export function defaultActivation(classes: number): PassActivation {
  return classes === 1 ? 'sigmoid' : 'softmax';
}

/** The kind of cross-entropy, categorical or binary, that goes with an activation, unless a loss chooses the kind. */
export function entropyKind(activation: PassActivation, classes: number): EntropyTerm['kind'] {
  if (activation === 'softmax') return 'categorical';
  return activation === 'none' && classes > 1 ? 'categorical' : 'binary';
}

/** The plain cross-entropy: the one of these inputs without smoothing, `posWeight` or any other option of a loss. */
export function plainEntropy({ activation, layout }: LossInputs): EntropyTerm {
  const kind = entropyKind(activation, layout.classes);
  return { kind, labelSmoothing: 0, posWeight: null, subtractEntropy: false, focal: null };
}

/** True if a cross-entropy is the plain one, which `overlap` sums up. */
export function isPlainEntropy(entropy: EntropyTerm, activation: PassActivation, classes: number): boolean {
  const { kind, labelSmoothing, posWeight, subtractEntropy, focal } = entropy;
  const withOptions = labelSmoothing !== 0 || posWeight !== null || subtractEntropy || focal !== null;
  return kind === entropyKind(activation, classes) && !withOptions;
}

export function passAttributes({ activation, sharpness }: LossInputs, entropy: EntropyTerm): PassAttributes {
  return { activation, sharpness, entropy };
}

/** Checks the option `activation`, and fills in its default. */
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

/** Checks the option `sharpness` against the activation, and fills in its default. */
export function resolveSharpness(sharpness: number | undefined, activation: PassActivation | Relaxation): number {
  if (sharpness === undefined) return 1;
  checkNumber('sharpness', sharpness, { least: 0, open: true });
  if (sharpness !== 1 && (activation === 'none' || typeof activation === 'function')) {
    const kind = activation === 'none' ? `'none'` : 'a function';
    fail(`sharpness goes with activation 'softmax' or 'sigmoid', not with ${kind}, got ${sharpness}`);
  }
  return sharpness;
}

/** The weights of pixels that follow from the mask and `ignoreLabel`, [N,P,1]; null if all pixels count as 1. */
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

/** Applies a user's relaxation to the logits, which are set to 0 where pixels do not count. */
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
