/**
 * Losses of packed targets, which hold labels and weights in one tensor: how a loss is wrapped and named, and how
 * labels and weights are taken apart.
 */
import * as tf from '@tensorflow/tfjs-core';
import type { Tensor } from '@tensorflow/tfjs-core';
import { inFunction } from '../../argumentError.js';
import { checkAxis, checkDtype, checkOptionNames, checkTensor, fail, show, showShape } from '../../checks.js';
import { checkTensorValues } from '../../checkValues.js';
import { descriptionOf, type LossFunction } from '../../losses/descriptions/lossDescription.js';
import { bindLoss, isNamedLoss, type NamedLoss } from '../boundLoss.js';

export type Wrapper = 'withMask' | 'withSampleWeights';

export interface PackOptions {
  /**
   * The class axis of the predictions; 1 for channels first. Default -1. A wrapped `namedLoss` has its own option
   * `axis`.
   */
  axis?: number;
}

/** A loss of packed labels. `options` are passed on to the loss inside. */
export type LossOfPacked = (labels: Tensor, predictions: Tensor, options?: object) => Tensor;

/** Packed labels, taken apart. `weights` are `[N, ...spatial]`. */
export interface Unpacked {
  labels: Tensor;
  weights: Tensor;
}

/** The number of channels of weights that a wrapped loss takes off its labels. */
const takenOff = new WeakMap<LossFunction, number>();

/** A wrapped function taken apart. */
export interface Unwrapped {
  /** The wrappers, the outermost first. */
  wrappers: Wrapper[];
  inside: LossFunction;
  /** The `axis` option of each wrapper. */
  axes: (number | undefined)[];
}

const madeOf = new WeakMap<LossFunction, Unwrapped>();

/** The wrappers of a function, and the function inside all of them. */
export const unwrapped = (given: LossFunction): Unwrapped =>
  madeOf.get(given) ?? { wrappers: [], inside: given, axes: [] };

/**
 * Wraps a loss: the result takes labels and weights apart, and then calls `call`. Around a loss of this package or a
 * `namedLoss` the result is a `NamedLoss`.
 */
export function wrappedLoss(
  fn: Wrapper,
  given: unknown,
  wrapOptions: PackOptions,
  call: (loss: LossFunction, unpacked: Unpacked, predictions: Tensor, options: object) => Tensor,
): LossOfPacked {
  checkOptionNames(wrapOptions, ['axis']);
  const { axis } = wrapOptions;
  if (axis !== undefined && !Number.isInteger(axis)) fail(`axis must be an integer, got ${show(axis)}`);
  const own = axis === undefined ? {} : { axis };
  const loss = resolveLoss(given, own);
  const channels = (takenOff.get(loss) ?? 0) + 1;

  const wrapped: LossOfPacked = (labels, predictions, more = {}) =>
    inFunction(fn, () =>
      tf.tidy(() => {
        const options: { axis?: number } = isNamedLoss(loss) ? more : { ...own, ...more };
        const { axis: ownAxis = -1 } = isNamedLoss(loss) ? (loss as NamedLoss<PackOptions>).options : {};
        const { axis: classAxis = ownAxis } = options;
        const unpacked = unpack(fn, labels, predictions, classAxis, channels);
        const value: unknown = call(loss, unpacked, predictions, options);
        checkTensor('the result of the loss', value);
        return value;
      }),
    );
  takenOff.set(wrapped, channels);
  const { wrappers, inside, axes } = unwrapped(loss);
  madeOf.set(wrapped, { wrappers: [fn, ...wrappers], inside, axes: [axis, ...axes] });
  const name = isNamedLoss(loss) ? loss.lossName : loss.name;
  Object.defineProperty(wrapped, 'name', { value: name ? `${fn}(${name})` : fn });
  if (!isNamedLoss(loss)) return wrapped;
  return Object.defineProperties(wrapped, {
    lossName: { value: wrapped.name },
    options: { get: () => loss.options },
    set: { value: (changes: object) => loss.set(changes) },
  });
}

/** Splits a name such as `'withMask(diceLoss)'` into its wrappers, the outermost first, and the name inside. */
export function splitLossName(lossName: string): { wrappers: Wrapper[]; name: string } {
  const [, wrapper, inner] = /^(withMask|withSampleWeights)\((.*)\)$/.exec(lossName) ?? [];
  if (wrapper === undefined) return { wrappers: [], name: lossName };
  const { wrappers, name } = splitLossName(inner!);
  return { wrappers: [wrapper as Wrapper, ...wrappers], name };
}

/** The inverse of `splitLossName`. */
export const wrapperName = (wrappers: readonly Wrapper[], name: string): string =>
  wrappers.reduceRight((inner, wrapper) => `${wrapper}(${inner})`, name);

/** Concatenates labels and weights along the class axis, which both must have. Call it inside tf.tidy. */
export function join(labels: Tensor, weights: Tensor, axis: number): Tensor {
  const whole = labels.dtype !== 'float32' && weights.dtype !== 'float32';
  return tf.concat(
    [labels, weights].map((x) => tf.cast(x, whole ? 'int32' : 'float32')),
    axis,
  );
}

export function checkLabels(labels: unknown): asserts labels is Tensor {
  checkTensor('labels', labels);
  checkDtype('labels', labels, ['float32', 'int32', 'bool']);
}

function resolveLoss(loss: unknown, axis: PackOptions): LossFunction {
  if (typeof loss !== 'function') fail(`loss must be a function, got ${show(loss)}`);
  if (isNamedLoss(loss)) {
    if (axis.axis !== undefined) fail(`give axis to the loss inside, ${loss.lossName}, got ${axis.axis} here`);
    return loss;
  }
  const description = descriptionOf(loss);
  if (!description) return loss as LossFunction;
  return bindLoss(description.name, loss as LossFunction, description, axis);
}

/** Takes the last channel off packed labels. `channels` is the number of channels that hold weights. */
function unpack(fn: string, packed: unknown, predictions: unknown, axisOption: number, channels: number): Unpacked {
  checkTensor('labels', packed);
  checkTensor('predictions', predictions);
  const axis = checkAxis(axisOption, packed.shape, 'axis', 1);
  const { shape, rank } = packed;
  const size = shape[axis]!;
  const classes = predictions.shape[checkAxis(axisOption, predictions.shape, 'axis', 1)]!;
  // int32 labels with a class axis got an additional axis.
  const stacked = rank === predictions.rank + 1 && size === 2;
  const expected = [1, classes].map((count) => count + channels);
  if (!stacked && (rank !== predictions.rank || !expected.includes(size))) {
    const packer = fn === 'withMask' ? 'packMask' : 'packSampleWeights';
    fail(
      `labels must come from ${packer}, with ${[...new Set(expected)].join(' or ')} channels for predictions ` +
        `${showShape(predictions.shape)}, got ${showShape(shape)}`,
    );
  }
  const [rest, last] = withoutLast(packed, axis);
  const weights = tf.squeeze(last, [axis]);
  if (stacked) return { labels: tf.cast(tf.squeeze(rest, [axis]), 'int32'), weights };
  if (size !== 2 || classes === 1) return { labels: rest, weights };
  checkTensorValues(`indices ${rank} ${classes}`, { labels: rest }, ({ labels }) => {
    const fraction = labels.find((index) => !Number.isInteger(index));
    if (fraction !== undefined) {
      fail(`labels of one channel for ${classes} classes are class indices, which must be integers, got ${fraction}`);
    }
  });
  return { labels: tf.cast(rest, 'int32'), weights };
}

/** All channels except the last, and the last. */
function withoutLast(x: Tensor, axis: number): [Tensor, Tensor] {
  const size = x.shape[axis]!;
  const cut = (all: Tensor, along: number) => tf.split(all, [size - 1, 1], along) as [Tensor, Tensor];
  if (axis !== x.rank - 1) return cut(x, axis);
  // Slices of many short rows are slow on cpu, and slower with more axes. On wasm, slices of single numbers are also
  // slow.
  const rows = tf.reshape(x, [-1, size]);
  const parts = size === 2 ? cut(tf.transpose(rows), 0) : cut(rows, 1);
  const shape = x.shape.slice(0, axis);
  return parts.map((part, i) => tf.reshape(part, [...shape, i === 0 ? size - 1 : 1])) as [Tensor, Tensor];
}
