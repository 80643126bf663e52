import * as tf from '@tensorflow/tfjs-core';
import type { KernelConfig, TensorInfo } from '@tensorflow/tfjs-core';
import { kernelOfLoops, type Values } from './loops.js';

type Pooled = Record<'dy' | 'input' | 'output', TensorInfo>;
type Shape4 = [number, number, number, number];
type Shape5 = [number, number, number, number, number];

/** The places of a window along an axis: from the first to before the second. */
type Range = readonly [from: number, to: number];
/** The windows along depth, height and width. */
type Windows = readonly [planes: readonly Range[], rows: readonly Range[], columns: readonly Range[]];

function ranges(size: number, results: number, window: number, stride: number, before: number): Range[] {
  return Array.from({ length: results }, (_, i) => {
    const from = i * stride - before;
    return [Math.max(from, 0), Math.min(from + window, size)];
  });
}

function flatWindows(info: tf.backend_util.Conv2DInfo | tf.backend_util.Conv3DInfo): [rows: Range[], columns: Range[]] {
  const { top, left } = info.padInfo;
  return [
    ranges(info.inHeight, info.outHeight, info.filterHeight, info.strideHeight, top),
    ranges(info.inWidth, info.outWidth, info.filterWidth, info.strideWidth, left),
  ];
}

/**
 * Adds each value of dy to the place of its window's largest value, the first such place if there are several. Windows
 * with NaN have none.
 */
function addAtLargest(dx: Values, x: Values, y: Values, dy: Values, shape: Shape5, windows: Windows): void {
  const [samples, depth, height, width, channels] = shape;
  const [planes, rows, columns] = windows;

  const placeOf = (value: number, sample: number, channel: number, volume: readonly [Range, Range, Range]) => {
    const [[d0, d1], [h0, h1], [w0, w1]] = volume;
    for (let d = d0; d < d1; d++)
      for (let h = h0; h < h1; h++) {
        const row = ((sample * depth + d) * height + h) * width;
        for (let w = w0; w < w1; w++) {
          const place = (row + w) * channels + channel;
          if (x[place] === value) return place;
        }
      }
    return undefined;
  };

  let result = 0;
  for (let n = 0; n < samples; n++)
    for (const plane of planes)
      for (const row of rows)
        for (const column of columns) {
          const volume = [plane, row, column] as const;
          for (let c = 0; c < channels; c++, result++) {
            const place = placeOf(y[result]!, n, c, volume);
            if (place !== undefined) dx[place]! += dy[result]!;
          }
        }
}

/**
 * The gradient of tf.maxPool. It replaces the kernel of tfjs's wasm backend 4.22, whose search for the largest value
 * begins at 1.2e-38: the gradient of windows without a positive value goes to the first value of the whole tensor.
 */
export const maxPoolGrad: KernelConfig = {
  kernelName: tf.MaxPoolGrad,
  backendName: 'wasm',
  kernelFunc: kernelOfLoops<tf.MaxPoolGradAttrs>(
    ({ input }) => input!.shape,
    (dx, valuesOf, inputs, { filterSize, strides, pad, dimRoundingMode }) => {
      const { input, output, dy } = inputs as Pooled;
      const shape = input.shape as Shape4;
      const info = tf.backend_util.computePool2DInfo(shape, filterSize, strides, 1, pad, dimRoundingMode);
      const [samples, ...sizes] = shape;
      const windows: Windows = [[[0, 1]], ...flatWindows(info)];
      addAtLargest(dx, valuesOf(input), valuesOf(output), valuesOf(dy), [samples, 1, ...sizes], windows);
    },
  ),
};

/** The gradient of tf.maxPool3d, which replaces wasm's for the same reason. */
export const maxPool3DGrad: KernelConfig = {
  kernelName: tf.MaxPool3DGrad,
  backendName: 'wasm',
  kernelFunc: kernelOfLoops<tf.MaxPool3DGradAttrs>(
    ({ input }) => input!.shape,
    (dx, valuesOf, inputs, { filterSize, strides, pad, dimRoundingMode }) => {
      const { input, output, dy } = inputs as Pooled;
      const shape = input.shape as Shape5;
      const info = tf.backend_util.computePool3DInfo(shape, filterSize, strides, 1, pad, dimRoundingMode);
      const { inDepth, outDepth, filterDepth, strideDepth, padInfo } = info;
      const planes = ranges(inDepth, outDepth, filterDepth, strideDepth, padInfo.front);
      const windows: Windows = [planes, ...flatWindows(info)];
      addAtLargest(dx, valuesOf(input), valuesOf(output), valuesOf(dy), shape, windows);
    },
  ),
};
