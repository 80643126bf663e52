/** The focal cross-entropy of focalLoss and unifiedFocalLoss, which takes a pass of its own over the pixels. */
import * as tf from '@tensorflow/tfjs-core';
import type { Tensor2D, Tensor3D } from '@tensorflow/tfjs-core';
import { fail } from '../../checks.js';
import { focalMap, focalSums, type FocalTerm } from '../../kernels/composed/focal.js';
import { sumSet, type PassAttributes } from '../../kernels/contract.js';
import { sumPixels, sumPixelsInUnits } from '../../ops/sumPixels.js';
import type { LossInputs } from '../../overlap/inputs.js';
import type { PassSums } from '../../overlap/sumsFormula.js';
import type { PredictionSpec } from '../descriptions/lossDescription.js';
import { completeOptions, joinRules, type OptionRules } from '../descriptions/optionRules.js';
import { PER_PIXEL_RULES, type PerPixelOptions, type Reduction } from './options.js';
import { resolvePerPixel, type OwnPass, type PerPixel } from './perPixel.js';

export interface FocalLossOptions<R extends Reduction = Reduction> extends PerPixelOptions<R> {
  /** The exponent, >= 0: the larger it is, the less weight pixels have that are nearly right. Default 2. */
  gamma?: number;
  /**
   * A number in [0, 1], for sigmoid and other binary cross-entropies only: multiplies a pixel's term by
   * alpha·t + (1 - alpha)(1 - t), which leaves the minimum at p = t. By default the factor is 1.
   */
  alpha?: number;
}

const OWN_RULES = {
  gamma: { kind: 'number', default: 2, least: 0, ownMeaning: true },
  alpha: { kind: 'number', default: undefined, least: 0, most: 1, ownMeaning: true },
} satisfies OptionRules<Pick<FocalLossOptions, 'gamma' | 'alpha'>>;

export const FOCAL_RULES: OptionRules<FocalLossOptions> = /* @__PURE__ */ joinRules(PER_PIXEL_RULES, OWN_RULES);

export function resolveFocal(options: FocalLossOptions, reading: PredictionSpec): PerPixel {
  const { classWeights, classes, hardest, reduction } = options;
  const loss = resolvePerPixel('byActivation', { classWeights, classes, hardest, reduction }, reading);
  const { gamma, alpha }: { gamma: number; alpha?: number } = completeOptions(OWN_RULES, options);
  if (alpha !== undefined && loss.entropy.kind !== 'binary') {
    fail('alpha goes with sigmoid only; classWeights is for softmax');
  }
  const plain = gamma === 0 && alpha === undefined;
  return { ...loss, ownPass: plain ? null : focalPass({ gamma, alpha: alpha ?? null }) };
}

function focalPass(focal: FocalTerm): OwnPass {
  return {
    map: (inputs, attributes, coefficients) => focalMap(inputs, { ...attributes, focal }, coefficients),
    sums: (inputs, attributes) => sumsOfFocal(inputs, attributes, focal),
  };
}

/** The sums of the focal cross-entropy over pixels. Call it inside tf.tidy. */
function sumsOfFocal(inputs: LossInputs, attributes: PassAttributes, focal: FocalTerm): PassSums {
  const { weights, layout, fn } = inputs;
  const { values: sums, unit } = focalSums(inputs, { ...attributes, focal });
  const known = { unit, fn };
  if (!weights)
    return { values: tf.expandDims(sums, 0), names: sumSet(['crossEntropy']), pixels: layout.pixels, ...known };
  const valid = tf.add<Tensor2D>(unit === 1 ? sumPixels(weights) : sumPixelsInUnits(weights), tf.zerosLike(sums));
  const values: Tensor3D = tf.stack([sums, valid]) as Tensor3D;
  return { values, names: sumSet(['crossEntropy', 'valid']), pixels: null, ...known };
}
