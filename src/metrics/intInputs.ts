import * as tf from '@tensorflow/tfjs-core';
import type { Tensor, Tensor2D, Tensor3D } from '@tensorflow/tfjs-core';
import { currentFunction } from '../argumentError.js';
import { checkHoldsValues, showShape } from '../checks.js';
import { labelsOf } from '../kernels/composed/pixels.js';
import { layoutOfPixels, toLabelPixels } from '../kernels/layout.js';
import { layoutOfIntPredictions } from '../overlap/indexLayout.js';
import type { InputOptions } from '../overlap/options.js';
import {
  checkIgnoreLabel,
  checkMask,
  pixelWeights,
  resolveActivation,
  resolveLabelKind,
  resolveSharpness,
  type LossInputs,
} from '../overlap/inputs.js';
import { checkPixelValues } from '../overlap/valueChecks.js';
import { extremesOf, rangeOfInts, type MeasuredRange } from './measuredRange.js';

/** Inputs whose predictions are ones and zeros, and the allowed ranges of their int32 tensors. */
export interface HardInputs {
  inputs: LossInputs;
  ranges: MeasuredRange[];
}

/** Resolves int32 predictions, which are class indices or one-hot masks. Call it inside tf.tidy. */
export function intInputs(
  labels: Tensor,
  predictions: Tensor,
  count: number | undefined,
  { axis = -1, mask, ignoreLabel, activation, sharpness }: InputOptions,
): HardInputs {
  checkHoldsValues('labels', labels);
  checkHoldsValues('predictions', predictions);
  const layout = layoutOfIntPredictions(labels, predictions, axis, {
    count,
    cure: 'class indices need the option classCount or classNames',
  });
  // No activation is applied here, but invalid options are refused whatever the predictions are.
  resolveSharpness(sharpness, resolveActivation(activation, layout.classes));
  const labelKind = resolveLabelKind(labels, layout, axis);
  const kind = resolveLabelKind(predictions, layout, axis);
  checkIgnoreLabel(ignoreLabel, labelKind);
  checkMask(mask, layout, `predictions ${showShape(predictions.shape)}`);
  const weights = pixelWeights(labels, labelKind, layout, { mask, ignoreLabel });
  if (labels.dtype === 'float32') {
    const checked = { tensor: labels, kind: labelKind, rule: 'masks' } as const;
    checkPixelValues({ labels: checked, predictions: null, weights, layout }, { axis, mask, ignoreLabel });
  }
  const given = toLabelPixels(predictions, kind, layout);
  const hot = given.rank === 3 ? (given as Tensor3D) : labelsOf(given as Tensor2D, layout.classes);
  const ranges = [
    ...rangeOfInts('labels', labels, labelKind, weights, layout),
    ...rangeOfInts('predictions', predictions, kind, weights, layout),
  ];
  if (kind === 'soft') {
    const what = 'int32 predictions with a class axis are one-hot masks: the number of classes of a pixel';
    ranges.push({ least: 1, most: 1, what, cure: '', extremes: extremesOf(tf.sum(hot, 2, true), weights, 1) });
  }
  const inputs: LossInputs = {
    predictions: hot,
    labels: toLabelPixels(labels, labelKind, layout),
    labelKind,
    weights,
    fn: currentFunction,
    activation: 'none',
    sharpness: 1,
    layout: layoutOfPixels(layout),
  };
  return { inputs, ranges };
}
