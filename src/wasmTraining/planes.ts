import * as tf from '@tensorflow/tfjs-core';
import type { TensorInfo } from '@tensorflow/tfjs-core';
import { crop, cutNegative, type Padding } from './spread.js';
import type { Part, Run } from './steps.js';

type Three = [depth: number, height: number, width: number];

/** How a convolution of volumes [N,D,H,W,C] goes along depth, height and width. */
export interface VolumeConvolution {
  /** The sizes of the result. */
  results: Three;
  strides: Three;
  dilations: Three;
  paddings: readonly Padding[];
}

/**
 * The part of x that a convolution sees, and how it goes there. tfjs has negative padding for volumes if a stride is
 * larger than the filter and the padding is 'same': the convolution then does not begin at the first value.
 */
export function seen(x: TensorInfo, info: tf.backend_util.Conv3DInfo, step: Run): [TensorInfo, VolumeConvolution] {
  const cut = cutNegative({ x, paddings: paddingsOf(info) }, step);
  const convolution: VolumeConvolution = {
    results: [info.outDepth, info.outHeight, info.outWidth],
    strides: [info.strideDepth, info.strideHeight, info.strideWidth],
    dilations: [info.dilationDepth, info.dilationHeight, info.dilationWidth],
    paddings: cut.paddings,
  };
  return [cut.x, convolution];
}

export function paddingsOf({ padInfo }: tf.backend_util.Conv3DInfo): Padding[] {
  const { front, back, top, bottom, left, right } = padInfo;
  return [
    [front, back],
    [top, bottom],
    [left, right],
  ];
}

/** The attributes of the convolution of planes that belongs to a convolution of volumes. */
export function planeConvolution({ strides, dilations, paddings }: VolumeConvolution) {
  const pad = [[0, 0], ...paddings.slice(1), [0, 0]];
  return { strides: strides.slice(1), dilations: dilations.slice(1), pad };
}

/**
 * Computes something for each of the planes that a filter has along its depth, from the planes of x that the
 * convolution multiplies by it: [N·D,H,W,C] for the D planes of the result. A convolution of volumes is thus a sum of
 * convolutions of planes, which are many times faster on wasm.
 */
export function forPlanes(
  x: TensorInfo,
  filterDepth: number,
  convolution: VolumeConvolution,
  step: Run,
  part: Part,
  compute: (plane: number, planes: TensorInfo, step: Run, run: Run) => TensorInfo,
): TensorInfo[] {
  const [samples, depth, ...plane] = x.shape as [number, number, number, number, number];
  const { results, strides, dilations, paddings } = convolution;
  const [[stride], [dilation], [planes], before] = [strides, dilations, results, paddings[0]![0]];
  const length = plane.reduce((a, b) => a * b, 1);
  // Each stride of planes is read whole, so that rows of a matrix are cut out; the last one may reach further than x.
  const needed = (filterDepth - 1) * dilation + planes * stride;
  const matrix = step(tf.Reshape, { x }, { shape: [samples, depth * length] });
  const zeros = [before * length, Math.max(needed - before - depth, 0) * length];
  const padding = { paddings: [[0, 0], zeros], constantValue: 0 };
  const padded = zeros.some((count) => count > 0) ? step(tf.PadV2, { x: matrix }, padding) : matrix;
  const planesOfX = step(tf.Reshape, { x: padded }, { shape: [samples, padded.shape[1]! / length, length] });
  return Array.from({ length: filterDepth }, (_, a) =>
    part((own, run) => {
      const range = crop(planesOfX, 1, a * dilation, planes * stride, own);
      const groups = own(tf.Reshape, { x: range }, { shape: [samples * planes, stride, length] });
      const firsts = crop(groups, 1, 0, 1, own);
      return compute(a, own(tf.Reshape, { x: firsts }, { shape: [samples * planes, ...plane] }), own, run);
    }),
  );
}

/** The convolution of x [N,D,H,W,C] with a filter [d,h,w,C,O]. */
export function convolveVolumes(
  x: TensorInfo,
  filter: TensorInfo,
  convolution: VolumeConvolution,
  step: Run,
  run: Run,
  part: Part,
): TensorInfo {
  const [depth, ...rest] = filter.shape as [number, number, number, number, number];
  const settings = { ...planeConvolution(convolution), dataFormat: 'NHWC' };
  let sum: TensorInfo | undefined;
  forPlanes(x, depth, convolution, step, part, (a, planes, own, last) => {
    const plane = own(tf.Reshape, { x: crop(filter, 0, a, 1, own) }, { shape: rest });
    const convolved = (sum ? own : last)(tf.Conv2D, { x: planes, filter: plane }, settings);
    sum = sum ? last(tf.Add, { a: sum, b: convolved }, {}) : convolved;
    return sum;
  });
  return run(tf.Reshape, { x: sum! }, { shape: [x.shape[0]!, ...convolution.results, rest[3]] });
}
