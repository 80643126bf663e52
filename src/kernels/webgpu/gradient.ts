/** WGSL of the gradients: a workgroup for each tile, whose values are written as they lie in memory. */
import type { PassSum, SumSet, Wrt } from '../contract.js';
import { isBinary, OWN_TILE, pixelCode, type ProgramSpec } from './pixels.js';

/** Slopes of the sums to p, and to t, given the upstream gradient g. */
const SLOPES: Record<Wrt, Partial<Record<PassSum, string>>> = {
  predictions: {
    intersection: 't * g',
    predicted: 'g',
    difference: 'sign(x.p - t) * g',
    minimum: '(0.5 - 0.5 * sign(x.p - t)) * g',
    predictedSquared: '2.0 * x.p * g',
  },
  labels: {
    intersection: 'x.p * g',
    labelled: 'g',
    difference: 'sign(t - x.p) * g',
    minimum: '(0.5 - 0.5 * sign(t - x.p)) * g',
    labelledSquared: '2.0 * t * g',
  },
};

/** Whether a gradient depends on the upstream one at all; the sums of labels alone have none to predictions. */
export function hasSlope(sums: SumSet, wrt: Wrt): boolean {
  return sums.some((sum) => sum === 'crossEntropy' || SLOPES[wrt][sum]);
}

/** `perPixel`: dy is [N,P] times coefficients, else [S,N,C]. */
export function gradientCode(spec: ProgramSpec, sums: SumSet, perPixel: boolean, wrt: Wrt): string {
  const { pass, entropy } = spec;
  const softmax = pass.activation === 'softmax';
  const shared = softmax && wrt === 'predictions';
  const upstream = (s: number) =>
    perPixel ? 'parameters[uniforms.coefficients + c]' : `f32(dy[(${s} * uniforms.samples + n) * CLASSES + c])`;
  const slopes = sums.map((sum, s) => {
    const slope = SLOPES[wrt][sum];
    return slope ? `{ let g = ${upstream(s)}; slope += ${slope}; }` : '';
  });
  const ofEntropy = entropy ? `{ let g = ${upstream(sums.indexOf('crossEntropy'))}; ${entropySlope(spec, wrt)} }` : '';
  const throughActivation = { softmax: 'slope *= x.p;', sigmoid: 'slope *= x.p * x.rest;', none: '' };
  return /* wgsl */ `${pixelCode(spec)}
// The slope of all that is added up, at class c of the tile's pixel i; under softmax to the shifted logits of one class
// as if the others were none.
fn slopeOf(x : Element, n : i32, c : i32, i : i32) -> f32 {
  let t = labelOf(c, i);
  var slope = 0.0;
  ${slopes.join('\n')}
  ${wrt === 'predictions' ? throughActivation[pass.activation] : ''}
  ${ofEntropy}
  return slope;
}
${
  shared
    ? `
var<workgroup> totals : array<f32, WIDTH>;

// The softmax takes from each class its probability's share of all slopes.
fn addUp(lane : i32, n : i32) {
  if (lane >= WIDTH) { return; }
  var total = 0.0;
  for (var c = 0; c < CLASSES; c++) { total += slopeOf(elementOf(c, lane), n, c, lane); }
  totals[lane] = total;
}`
    : ''
}

fn main(index : i32) {
  ${OWN_TILE}
  ${softmax ? 'softmax(lane);' : ''}
  ${shared ? 'if (n < uniforms.samples) { addUp(lane, n); }' : ''}
  ${softmax ? 'workgroupBarrier();' : ''}
  for (var k = lane; k < WIDTH * CLASSES; k += LANES) {
    let place = placeOf(k, n, first);
    if (isThere(n, first + place.i)) {
      let x = elementOf(place.c, place.i);
      var slope = slopeOf(x, n, place.c, place.i);
      ${shared ? 'slope -= x.p * totals[place.i];' : ''}
      let scale = ws[place.i]${perPixel ? ' * f32(dy[n * uniforms.pixels + first + place.i])' : ''};
      result[place.at] = slope * (scale${wrt === 'predictions' && pass.activation !== 'none' ? ' * uniforms.sharpness' : ''});
    }
  }
}
`;
}

function entropySlope(spec: ProgramSpec, wrt: Wrt): string {
  const { pass } = spec;
  const binary = isBinary(spec);
  if (wrt === 'labels') {
    const less = pass.entropy.subtractEntropy
      ? `let label = smoothed(t);
    entropy += logOfProbability(label) ${binary ? '- logOfProbability(1.0 - label)' : '+ 1.0'};`
      : '';
    return `
    var entropy = x.on${binary ? ' * positiveOf(c) - x.off' : ''};
    ${less}
    slope += entropy * (g * uniforms.keep);`;
  }
  const on = 'smoothed(t) * positiveOf(c)';
  const whole = {
    softmax: 'slope -= smoothed(t) * g;',
    sigmoid: `slope += ((1.0 - smoothed(t)) * x.p - ${on} * x.rest) * g;`,
    none: binary
      ? `slope += ((1.0 - smoothed(t)) / atLeast(1.0 - x.p, SMALLEST_PROBABILITY)
        - ${on} / atLeast(x.p, SMALLEST_PROBABILITY)) * g;`
      : 'slope -= smoothed(t) / atLeast(x.p, SMALLEST_PROBABILITY) * g;',
  };
  return whole[pass.activation];
}
