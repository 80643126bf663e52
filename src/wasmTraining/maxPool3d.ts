import * as tf from '@tensorflow/tfjs-core';
import type { KernelConfig, NamedAttrMap, TensorInfo } from '@tensorflow/tfjs-core';
import { paddingsOf } from './planes.js';
import { cutNegative, type Padding } from './spread.js';
import { kernelOfSteps } from './steps.js';

type Shape5 = [number, number, number, number, number];

/**
 * tf.maxPool3d, computed as tf.maxPool within each plane and then across planes. It replaces the kernel of tfjs's wasm
 * backend 4.22, which gives 1.2e-38 for windows without a positive value.
 */
const kernelFunc = kernelOfSteps<tf.MaxPool3DAttrs>((inputs, attrs, step, run) => {
  const x = inputs.x!;
  const shape = x.shape as Shape5;
  const { filterSize, strides, pad, dimRoundingMode } = attrs;
  const info = tf.backend_util.computePool3DInfo(shape, filterSize, strides, 1, pad, dimRoundingMode);
  const { x: part, paddings } = cutNegative({ x, paddings: paddingsOf(info) }, step);
  const [planes, rows, columns] = paddings as [Padding, Padding, Padding];
  const [samples, depth, height, width, channels] = part.shape as Shape5;
  const { outDepth, outHeight, outWidth } = info;

  const pool = (input: TensorInfo, window: number[], stride: number[], ...[first, second]: [Padding, Padding]) => {
    const settings: NamedAttrMap = { filterSize: window, strides: stride, pad: [[0, 0], first, second, [0, 0]] };
    if (dimRoundingMode) settings.dimRoundingMode = dimRoundingMode;
    return step(tf.MaxPool, { x: input }, settings);
  };
  const flat = step(tf.Reshape, { x: part }, { shape: [samples * depth, height, width, channels] });
  const { filterDepth, filterHeight, filterWidth, strideDepth, strideHeight, strideWidth } = info;
  const pooled = pool(flat, [filterHeight, filterWidth], [strideHeight, strideWidth], rows, columns);
  const lines = step(tf.Reshape, { x: pooled }, { shape: [samples, depth, outHeight * outWidth, channels] });
  const deep = pool(lines, [filterDepth, 1], [strideDepth, 1], planes, [0, 0]);
  return run(tf.Reshape, { x: deep }, { shape: [samples, outDepth, outHeight, outWidth, channels] });
});

export const maxPool3D: KernelConfig = { kernelName: tf.MaxPool3D, backendName: 'wasm', kernelFunc };
