import * as tf from '@tensorflow/tfjs-core';
import type { GradFunc } from '@tensorflow/tfjs-core';

type Two = [number, number];
type Three = [number, number, number];
type Four = [number, number, number, number];

/** How a convolution with dilations, whose strides are therefore 1, goes along one axis. */
interface Axis {
  size: number;
  window: number;
  dilation: number;
  before: number;
  after: number;
}

/** The gradients of tf.conv2d with dilations. (tf.conv1d is computed as tf.conv2d.) */
export const conv2DDilated: GradFunc = (upstream, saved, attrs) => {
  const { dataFormat, dilations, pad, dimRoundingMode } = attrs as unknown as tf.Conv2DAttrs;
  const [input, filter] = saved as [tf.Tensor4D, tf.Tensor4D];
  const format = tf.backend_util.convertConv2DDataFormat(dataFormat);
  const info = tf.backend_util.computeConv2DInfo(
    input.shape,
    filter.shape,
    1,
    dilations,
    pad,
    dimRoundingMode,
    false,
    format,
  );
  const [first, last] = dataFormat === 'NCHW' ? [channelsFirst, channelsLast] : [asItIs, asItIs];
  const axes = flatAxes(info);
  const dy = last(upstream as tf.Tensor4D);
  return {
    x: () => first(tf.conv2d(around(dy, axes), exchanged(filter), 1, 'valid', 'NHWC', rates(axes) as Two)),
    filter: () => flatFilterGradient(padded(last(input), axes), dy, axes),
  };
};

/** The gradients of tf.conv3d with dilations. */
export const conv3DDilated: GradFunc = (upstream, saved, attrs) => {
  const { dilations, pad } = attrs as unknown as tf.Conv3DAttrs;
  const [x, filter] = saved as [tf.Tensor5D, tf.Tensor5D];
  const dy = upstream as tf.Tensor5D;
  const info = tf.backend_util.computeConv3DInfo(x.shape, filter.shape, 1, dilations as Three, pad);
  const { front, back } = info.padInfo;
  const { inDepth, filterDepth, dilationDepth, batchSize, outDepth } = info;
  const depth = { size: inDepth, window: filterDepth, dilation: dilationDepth, before: front, after: back };
  const axes = [depth, ...flatAxes(info)];
  return {
    x: () => tf.conv3d(around(dy, axes), exchanged(filter), 1, 'valid', 'NDHWC', rates(axes) as Three),
    // Each plane of the filter's depth has the gradient of a convolution of planes.
    filter: () => {
      const volume = padded(x, axes);
      const [height, width, channels] = volume.shape.slice(2) as Three;
      const dyPlanes = tf.reshape<tf.Rank.R4>(dy, [batchSize * outDepth, ...dy.shape.slice(2)] as Four);
      const gradients = Array.from({ length: filterDepth }, (_, a) => {
        const part = tf.slice(volume, [0, a * dilationDepth, 0, 0, 0], [-1, outDepth, -1, -1, -1]);
        const planes = tf.reshape<tf.Rank.R4>(part, [batchSize * outDepth, height, width, channels]);
        return flatFilterGradient(planes, dyPlanes, flatAxes(info));
      });
      return tf.stack(gradients);
    },
  };
};

/** The gradients of tf.depthwiseConv2d with dilations. */
export const depthwiseDilated: GradFunc = (upstream, saved, attrs) => {
  const { dilations, pad, dimRoundingMode } = attrs as unknown as tf.DepthwiseConv2dNativeAttrs;
  const [x, filter] = saved as [tf.Tensor4D, tf.Tensor4D];
  const dy = upstream as tf.Tensor4D;
  const [height, width, channels, multiplier] = filter.shape;
  const info = tf.backend_util.computeConv2DInfo(x.shape, filter.shape, 1, dilations, pad, dimRoundingMode, true);
  const axes = flatAxes(info);
  return {
    x: () => {
      const single = tf.reshape<tf.Rank.R4>(turned(filter), [height, width, channels * multiplier, 1]);
      const apart = tf.depthwiseConv2d(around(dy, axes), single, 1, 'valid', 'NHWC', rates(axes) as Two);
      return tf.sum(tf.reshape(apart, [...x.shape, multiplier]), -1);
    },
    // Places that are a dilation apart become samples of their own, among which the convolution has no dilation.
    filter: () => {
      const ends = axes.map(({ size, dilation, before, after }) => {
        const given = size + before + after;
        const more = Math.ceil(given / dilation) * dilation - given;
        return { x: [before, after + more], dy: [0, more] };
      });
      const apart = (t: tf.Tensor4D, paddings: number[][]) => tf.spaceToBatchND(t, rates(axes), paddings);
      const inputs = {
        x: apart(
          x,
          ends.map((end) => end.x),
        ),
        dy: apart(
          dy,
          ends.map((end) => end.dy),
        ),
      };
      const settings = { strides: [1, 1], pad: 'valid', dilations: [1, 1], filterShape: filter.shape };
      return tf.engine().runKernel(tf.DepthwiseConv2dNativeBackpropFilter, inputs, settings) as tf.Tensor;
    },
  };
};

function flatAxes(info: tf.backend_util.Conv2DInfo | tf.backend_util.Conv3DInfo): Axis[] {
  const { inHeight, inWidth, filterHeight, filterWidth, dilationHeight, dilationWidth, padInfo } = info;
  const { top, bottom, left, right } = padInfo;
  return [
    { size: inHeight, window: filterHeight, dilation: dilationHeight, before: top, after: bottom },
    { size: inWidth, window: filterWidth, dilation: dilationWidth, before: left, after: right },
  ];
}

const rates = (axes: readonly Axis[]) => axes.map(({ dilation }) => dilation);
const channelsLast = (t: tf.Tensor4D): tf.Tensor4D => tf.transpose(t, [0, 2, 3, 1]);
const channelsFirst = (t: tf.Tensor4D): tf.Tensor4D => tf.transpose(t, [0, 3, 1, 2]);
const asItIs = (t: tf.Tensor4D): tf.Tensor4D => t;

function padded<T extends tf.Tensor>(x: T, axes: readonly Axis[]): T {
  return extended(
    x,
    axes.map(({ before, after }): Two => [before, after]),
  );
}

/**
 * Puts zeros around dy, so that a convolution of the result with the reversed filter has the size of the input. Where
 * the convolution padded more than its filter reaches, it cuts off values of dy that no input had a part in.
 */
function around<T extends tf.Tensor>(dy: T, axes: readonly Axis[]): T {
  const ends = axes.map(({ window, dilation, before, after }): Two => {
    const reach = (window - 1) * dilation;
    return [reach - before, reach - after];
  });
  return extended(dy, ends);
}

/**
 * Adds zeros before and after each spatial axis; negative numbers cut off values. The last of these axes and the
 * channels become one, because webgl and webgpu do not pad tensors of rank 5.
 */
function extended<T extends tf.Tensor>(x: T, ends: readonly Two[]): T {
  const [samples, ...rest] = x.shape as [number, ...number[]];
  const channels = rest.at(-1)!;
  const factors = ends.map((_, i) => (i === ends.length - 1 ? channels : 1));
  const sizes = factors.map((factor, i) => rest[i]! * factor);
  const scaled = ends.map(([first, last], i): Two => [first * factors[i]!, last * factors[i]!]);

  const zeros = scaled.map(([first, last]): Two => [Math.max(first, 0), Math.max(last, 0)]);
  const whole = tf.pad(tf.reshape(x, [samples, ...sizes]), [[0, 0], ...zeros]);
  const begin = scaled.map(([first]) => Math.max(-first, 0));
  const size = scaled.map(([first, last], i) => first + sizes[i]! + last);
  const places = ends.map(([first, last], i) => first + rest[i]! + last);
  return tf.reshape(tf.slice(whole, [0, ...begin], [samples, ...size]), [samples, ...places, channels]) as T;
}

/** Reverses a filter along its spatial axes; as one axis, because webgl reverses tensors up to rank 4 only. */
function turned<T extends tf.Tensor>(filter: T): T {
  const places = filter.shape.slice(0, -2).reduce((a, b) => a * b, 1);
  const flat = tf.reshape(filter, [places, ...filter.shape.slice(-2)]);
  return tf.reshape(tf.reverse(flat, 0), filter.shape) as T;
}

/** The reversed filter with its inputs and outputs exchanged, which takes the gradient back. */
function exchanged<T extends tf.Tensor>(filter: T): T {
  const rank = filter.rank;
  return tf.transpose(turned(filter), [...Array(rank - 2).keys(), rank - 1, rank - 2]);
}

/**
 * The gradient with respect to the filter of a convolution of planes: a convolution in which input channels and samples
 * change places, and the dilations become strides.
 */
function flatFilterGradient(x: tf.Tensor4D, dy: tf.Tensor4D, axes: readonly Axis[]): tf.Tensor4D {
  const image = tf.transpose(x, [3, 1, 2, 0]);
  const filter = tf.transpose(dy, [1, 2, 0, 3]);
  return tf.transpose(tf.conv2d(image, filter, rates(axes) as Two, 'valid'), [1, 2, 0, 3]);
}
