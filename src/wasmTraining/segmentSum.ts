import * as tf from '@tensorflow/tfjs-core';
import type { KernelConfig, TensorInfo } from '@tensorflow/tfjs-core';
import { kernelOfLoops } from './loops.js';

/** tf.unsortedSegmentSum, which is the gradient of tf.gather. Rows of a segment that does not exist count nowhere. */
const kernelFunc = kernelOfLoops<tf.UnsortedSegmentSumAttrs>(
  ({ x }, { numSegments }) => [numSegments, ...x!.shape.slice(1)],
  (result, valuesOf, inputs, { numSegments }) => {
    const { x, segmentIds } = inputs as Record<'x' | 'segmentIds', TensorInfo>;
    const length = x.shape.slice(1).reduce((a, b) => a * b, 1);
    const values = valuesOf(x);
    valuesOf(segmentIds).forEach((segment, row) => {
      if (segment < 0 || segment >= numSegments) return;
      for (let i = 0; i < length; i++) result[segment * length + i]! += values[row * length + i]!;
    });
  },
);

export const unsortedSegmentSum: KernelConfig = {
  kernelName: tf.UnsortedSegmentSum,
  backendName: 'wasm',
  kernelFunc,
};
