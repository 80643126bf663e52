import * as tf from '@tensorflow/tfjs-core';
import type { KernelConfig } from '@tensorflow/tfjs-core';
import { kernelOfLoops, type Values } from './loops.js';
import { refuseDilations } from './refuseDilations.js';

type Attrs = tf.DepthwiseConv2dNativeBackpropFilterAttrs;

/** A row of a tensor: where it begins among the values, and how far its places are apart. */
interface Row {
  values: Values;
  start: number;
  step: number;
}

/**
 * The gradient of a depthwise convolution with respect to its filter, by loops. The kernels of the wasm backend are no
 * faster: a depthwise convolution with dy as its filter takes as long or longer, and eight times the memory of dy.
 */
const kernelFunc = kernelOfLoops<Attrs>(
  (_, { filterShape }) => filterShape,
  (result, valuesOf, inputs, { strides, dilations, pad, dimRoundingMode, filterShape }) => {
    refuseDilations(tf.DepthwiseConv2dNativeBackpropFilter, dilations);
    const { x, dy } = inputs as Record<'x' | 'dy', tf.TensorInfo>;
    const shape = x.shape as [number, number, number, number];
    const info = tf.backend_util.computeConv2DInfo(shape, filterShape, strides, 1, pad, dimRoundingMode, true);
    const { batchSize, inHeight, inWidth, outHeight, outWidth, strideHeight, strideWidth, padInfo } = info;
    const [height, width, channels, multiplier] = filterShape;
    const outputs = channels * multiplier;
    const [xs, dys] = [valuesOf(x), valuesOf(dy)];
    const sums = new Float64Array(result.length);
    for (let n = 0; n < batchSize; n++)
      for (let i = 0; i < outHeight; i++)
        for (let a = 0; a < height; a++) {
          const row = i * strideHeight + a - padInfo.top;
          if (row < 0 || row >= inHeight) continue;
          for (let b = 0; b < width; b++) {
            const shift = b - padInfo.left;
            const from = Math.max(0, Math.ceil(-shift / strideWidth));
            const length = Math.min(outWidth, Math.ceil((inWidth - shift) / strideWidth)) - from;
            const start = ((n * inHeight + row) * inWidth + from * strideWidth + shift) * channels;
            const xRow = { values: xs, start, step: strideWidth * channels };
            const dyRow = { values: dys, start: ((n * outHeight + i) * outWidth + from) * outputs, step: outputs };
            addRow(sums, (a * width + b) * outputs, xRow, dyRow, length, outputs, multiplier);
          }
        }
    result.set(sums);
  },
);

/** Adds Σ x·dy along a row for each output: four outputs at a time, which is about twice as fast as one. */
function addRow(sums: Float64Array, at: number, x: Row, dy: Row, length: number, outputs: number, multiplier: number) {
  const xOf = (output: number) => x.start + Math.floor(output / multiplier);
  const [xs, dys] = [x.values, dy.values];
  let o = 0;
  for (; o + 4 <= outputs; o += 4) {
    let [x0, x1, x2, x3] = [xOf(o), xOf(o + 1), xOf(o + 2), xOf(o + 3)];
    let [s0, s1, s2, s3] = [0, 0, 0, 0];
    for (let j = 0, d = dy.start + o; j < length; j++, d += dy.step) {
      s0 += xs[x0]! * dys[d]!;
      s1 += xs[x1]! * dys[d + 1]!;
      s2 += xs[x2]! * dys[d + 2]!;
      s3 += xs[x3]! * dys[d + 3]!;
      x0 += x.step;
      x1 += x.step;
      x2 += x.step;
      x3 += x.step;
    }
    sums[at + o]! += s0;
    sums[at + o + 1]! += s1;
    sums[at + o + 2]! += s2;
    sums[at + o + 3]! += s3;
  }
  for (; o < outputs; o++) {
    let sum = 0;
    for (let j = 0, p = xOf(o), d = dy.start + o; j < length; j++, p += x.step, d += dy.step) sum += xs[p]! * dys[d]!;
    sums[at + o]! += sum;
  }
}

export const depthwiseBackpropFilter: KernelConfig = {
  kernelName: tf.DepthwiseConv2dNativeBackpropFilter,
  backendName: 'wasm',
  kernelFunc,
};
