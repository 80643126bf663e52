/** Convolutions and max pooling as plain loops in float64, with their gradients. */
import * as tf from '@tensorflow/tfjs-core';
import type { NdArray } from '../reference/index.js';

/** How windows lie on the spatial axes of an input. */
export interface Geometry {
  /** The sizes of a window. */
  window: readonly number[];
  strides: readonly number[];
  dilations: readonly number[];
  /** The padding before each axis. */
  before: readonly number[];
  /** The sizes of the result. */
  results: readonly number[];
}

export function geometryOf(info: tf.backend_util.Conv2DInfo | tf.backend_util.Conv3DInfo): Geometry {
  const { padInfo } = info;
  const flat = {
    window: [info.filterHeight, info.filterWidth],
    strides: [info.strideHeight, info.strideWidth],
    dilations: [info.dilationHeight, info.dilationWidth],
    before: [padInfo.top, padInfo.left],
    results: [info.outHeight, info.outWidth],
  };
  if (!('inDepth' in info)) return flat;
  return {
    window: [info.filterDepth, ...flat.window],
    strides: [info.strideDepth, ...flat.strides],
    dilations: [info.dilationDepth, ...flat.dilations],
    before: [info.padInfo.front, ...flat.before],
    results: [info.outDepth, ...flat.results],
  };
}

/** The values of a result and the gradients of Σ dy·y. */
interface Convolved {
  y: NdArray;
  x: NdArray;
  filter: NdArray;
}

/** A convolution with a filter [...window, C, O], of which each output sees all channels. */
export function dense(x: tf.Tensor, filter: tf.Tensor, dy: tf.Tensor, geometry: Geometry): Convolved {
  const outputs = filter.shape.at(-1)!;
  return convolution(x, filter, dy, geometry, outputs, () => Array.from({ length: outputs }, (_, o) => o));
}

/** A convolution with a filter [...window, C, M], of which output c·M + m sees channel c. */
export function depthwise(x: tf.Tensor, filter: tf.Tensor, dy: tf.Tensor, geometry: Geometry): Convolved {
  const [channels, multiplier] = filter.shape.slice(-2) as [number, number];
  const outputsOf = (c: number) => Array.from({ length: multiplier }, (_, m) => c * multiplier + m);
  return convolution(x, filter, dy, geometry, channels * multiplier, outputsOf);
}

function convolution(
  x: tf.Tensor,
  filter: tf.Tensor,
  dy: tf.Tensor,
  geometry: Geometry,
  outputs: number,
  outputsOf: (channel: number) => number[],
): Convolved {
  const [xs, weights, dys] = [x.dataSync(), filter.dataSync(), dy.dataSync()];
  const channels = x.shape.at(-1)!;
  const each = filter.shape.at(-1)!;
  const shape = [x.shape[0]!, ...geometry.results, outputs];
  const y = zeros(shape);
  const [dx, dw] = [zeros(x.shape), zeros(filter.shape)];
  for (const { inside, result, offset } of meetings(x.shape, geometry))
    for (let c = 0; c < channels; c++)
      outputsOf(c).forEach((o, i) => {
        const [at, to, weight] = [inside * channels + c, result * outputs + o, (offset * channels + c) * each + i];
        y.data[to]! += xs[at]! * weights[weight]!;
        dx.data[at]! += dys[to]! * weights[weight]!;
        dw.data[weight]! += dys[to]! * xs[at]!;
      });
  return { y, x: dx, filter: dw };
}

/** The largest value of each window and the gradient of Σ dy·y, which goes to the first place with that value. */
export function maxPooling(x: tf.Tensor, dy: tf.Tensor, geometry: Geometry): Omit<Convolved, 'filter'> {
  const channels = x.shape.at(-1)!;
  const [xs, dys] = [x.dataSync(), dy.dataSync()];
  const y = zeros(dy.shape);
  y.data.fill(-Infinity);
  const places = new Map<number, number>();
  for (const { inside, result } of meetings(x.shape, geometry))
    for (let c = 0; c < channels; c++) {
      const [at, to] = [inside * channels + c, result * channels + c];
      if (!(xs[at]! > y.data[to]!)) continue;
      y.data[to] = xs[at]!;
      places.set(to, at);
    }
  const dx = zeros(x.shape);
  for (const [to, at] of places) dx.data[at]! += dys[to]!;
  return { y, x: dx };
}

/** Every place of the input that a window sees: its number, that of the result, and its number in the window. */
function* meetings(shape: readonly number[], { window, strides, dilations, before, results }: Geometry) {
  const sizes = shape.slice(1, -1);
  for (let n = 0; n < shape[0]!; n++)
    for (const result of product(results))
      for (const offset of product(window)) {
        const place = offset.map((a, i) => result[i]! * strides[i]! + a * dilations[i]! - before[i]!);
        if (place.some((p, i) => p < 0 || p >= sizes[i]!)) continue;
        yield {
          inside: numberOf([n, ...place], sizes),
          result: numberOf([n, ...result], results),
          offset: numberOf([0, ...offset], window),
        };
      }
}

/** The number of a place [n, ...place] in row-major order. */
const numberOf = ([n, ...place]: number[], sizes: readonly number[]) =>
  place.reduce((number, p, i) => number * sizes[i]! + p, n!);

const product = (sizes: readonly number[]) =>
  sizes.reduce<number[][]>(
    (all, size) => all.flatMap((one) => Array.from({ length: size }, (_, i) => [...one, i])),
    [[]],
  );

function zeros(shape: readonly number[]): { shape: number[]; data: Float64Array } {
  return { shape: [...shape], data: new Float64Array(shape.reduce((a, b) => a * b, 1)) };
}
