import * as tf from '@tensorflow/tfjs-core';
import type { Tensor, Tensor3D } from '@tensorflow/tfjs-core';
import { inFunction } from '../argumentError.js';
import { checkAxis, checkCount, checkHoldsValues, checkOptionNames, checkTensor, fail, showShape } from '../checks.js';
import { fromPixels, layoutOf, type Layout } from '../kernels/layout.js';
import { layoutOfIndices } from '../overlap/indexLayout.js';
import { checkInts, intRange } from '../overlap/intValues.js';
import type { InputOptions } from '../overlap/options.js';
import { checkIgnoreLabel, checkMask, pixelWeights, resolveLabelKind } from '../overlap/inputs.js';
import { checkPixelValues } from '../overlap/valueChecks.js';
import { classMaps, sidesOf } from './sides.js';
import { signedMap } from './signedMap.js';
import { resolveSpacing, type Spacing } from './spacing.js';

export interface SignedDistanceOptions extends Pick<InputOptions, 'axis' | 'mask' | 'ignoreLabel'> {
  /** The distance between neighbouring pixels, > 0: a number, or one for each spatial axis. Default 1. */
  spacing?: Spacing;
  /**
   * The number of classes, for labels that are int32 class indices without a class axis or with one of size 1. The
   * result has its class axis at `axis`.
   */
  classes?: number;
}

/**
 * Signed distance maps of labels, one per sample and class, as `boundaryLoss` takes them. Let d be the distance from
 * the centre of a pixel to that of the nearest pixel on the other side of the border. A pixel outside the class has the
 * value d, and one inside -(d - h), where h is the smallest spacing (of the axes with more than one pixel). With the
 * same spacing along all axes, pixels next to the border thus have h outside and 0 inside. This is the convention of
 * Kervadec et al., whose code has h = 1 at any spacing. A class that covers no pixel or all of them has no border, and
 * its map is 0.
 *
 * Soft labels are inside above 0.5. Pixels that the mask or `ignoreLabel` leaves out are on neither side, and have 0.
 *
 * It reads the labels back, and computes in float64 on the processor. A map depends on the labels only, so it is best
 * computed once for each image, in the data pipeline, and passed to `boundaryLoss` as `distances`.
 *
 * @param labels `[N, ...spatial, C]`, float32, int32 or bool, or with `classes` int32 class indices `[N, ...spatial]`
 * or `[N, ...spatial, 1]`
 * @returns float32 `[N, ...spatial, C]`, in the unit of `spacing`
 * @throws if shapes, dtypes or options do not fit, if a class index of a pixel that counts is outside 0..C-1, or if
 * int32 masks hold values other than 0 and 1
 *
 * @example
 * ```ts
 * const indices = tf.tensor([[0, 0, 1, 1, 1]], [1, 5], 'int32'); // one row of five pixels
 * const maps = signedDistance(indices, { classes: 2, spacing: 0.5 }); // shape [1, 5, 2]
 * tf.unstack(maps, 2)[1]; // [[1, 0.5, 0, -0.5, -1]]
 * ```
 *
 * @see Kervadec et al., Boundary loss for highly unbalanced segmentation, MIDL 2019, arXiv 1812.07032
 */
export function signedDistance(labels: Tensor, options: SignedDistanceOptions = {}): Tensor {
  return inFunction('signedDistance', () => {
    checkTensor('labels', labels);
    checkHoldsValues('labels', labels);
    checkOptionNames(options, ['spacing', 'classes', 'axis', 'mask', 'ignoreLabel']);
    const layout = resolveLayout(labels, options);
    const spacing = resolveSpacing(options.spacing ?? 1, layout.spatial);
    const { axis = -1 } = options;
    const kind = resolveLabelKind(labels, layout, axis);
    checkIgnoreLabel(options.ignoreLabel, kind);
    checkMask(options.mask, layout, `labels ${showShape(labels.shape)}`);
    return tf.tidy(() => {
      const weights = pixelWeights(labels, kind, layout, options);
      checkInts(labels, intRange('labels', kind, layout.classes), kind, weights, layout);
      const checked = { tensor: labels, kind, rule: 'masks' } as const;
      checkPixelValues({ labels: checked, predictions: null, weights, layout }, options);
      const sides = sidesOf(labels, kind, weights, layout);
      const all = Array.from({ length: layout.classes }, () => 1);
      const maps = classMaps(layout, all, (n, c) => signedMap(sides.at(n, c), layout.spatial, spacing));
      return fromPixels(tf.tensor(maps, [layout.samples, layout.pixels, layout.classes]) as Tensor3D, layout);
    });
  });
}

/** The layout of the result. */
function resolveLayout(labels: Tensor, { classes, axis = -1 }: SignedDistanceOptions): Layout {
  const shape = labels.shape;
  const least = classes === undefined ? 3 : 2;
  if (shape.length < least) {
    const wanted = classes === undefined ? '[N, ...spatial, C]' : '[N, ...spatial] with option classes';
    fail(`labels must be ${wanted}, with at least one spatial axis, got shape ${showShape(shape)}`);
  }
  if (classes === undefined) return layoutOf(shape, checkAxis(axis, shape, 'axis', 1));
  checkCount('classes', classes, 1);
  return layoutOfIndices('labels', labels, axis, classes);
}
