/** WGSL code for the gradients: a workgroup computes a tile of pixels and writes its values in the order of memory. */
import type { SumSet, Wrt } from '../contract.js';
import { entropySlopeOfPredictions, FOCAL_SLOPES, SLOPES } from '../fused/shaderTerms.js';
import { isBinary, OWN_TILE, pixelCode, type ProgramSpec } from './pixels.js';

/** With `perPixel` the upstream gradient is dy [N,P] times the classes' coefficients; otherwise it is dy [S,N,C]. */
export function gradientCode(spec: ProgramSpec, sums: SumSet, perPixel: boolean, wrt: Wrt): string {
  const { pass, entropy } = spec;
  const softmax = pass.activation === 'softmax';
  const shared = softmax && wrt === 'predictions';
  const scaled = wrt === 'predictions' && pass.activation !== 'none';
  const upstream = (s: number) =>
    perPixel ? 'parameters[uniforms.coefficients + c]' : `f32(dy[(${s} * uniforms.samples + n) * CLASSES + c])`;
  const slopes = sums.map((sum, s) => {
    const slope = SLOPES[wrt][sum];
    return slope ? `{ let g = ${upstream(s)}; slope += ${slope}; }` : '';
  });
  const focal = entropy && pass.entropy.focal;
  const ofTerm = upstream(sums.indexOf('crossEntropy'));
  const weighted = focal ? `${ofTerm} * focalFactorOf(x.p - t) * balanceOf(t)` : ofTerm;
  const ofEntropy = entropy ? `{ let g = ${weighted}; ${entropySlope(spec, wrt)} }` : '';
  const { deviation, balance } = FOCAL_SLOPES;
  const ofFocal = wrt === 'predictions' ? `slope += ${deviation};` : `slope += ${balance} - ${deviation};`;
  const throughActivation = { softmax: 'slope *= x.p;', sigmoid: 'slope *= x.p * x.rest;', none: '' };
  return /* wgsl */ `${pixelCode(spec)}
// The slope of the result at class c of the tile's pixel i. Under softmax it is the slope with respect to log p of the
// class.
fn slopeOf(x : Element, n : i32, c : i32, i : i32) -> f32 {
  let t = labelOf(c, i);
  var slope = 0.0;
  ${slopes.join('\n')}
  ${focal ? `{ let g = ${ofTerm}; ${ofFocal} }` : ''}
  ${wrt === 'predictions' ? throughActivation[pass.activation] : ''}
  ${ofEntropy}
  return slope;
}
${
  shared
    ? `
var<workgroup> totals : array<f32, WIDTH>;

// Adds up the slopes of a pixel. Under softmax the gradient with respect to a logit is the slope with respect to log p
// minus p times this total.
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
      result[place.at] = slope * (scale${scaled ? ' * uniforms.sharpness' : ''});
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
  return entropySlopeOfPredictions(pass.activation, binary);
}
