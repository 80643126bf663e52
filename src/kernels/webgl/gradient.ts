/** GLSL code for the gradients, with a texel for each pixel and class. */
import type { SumSet, Wrt } from '../contract.js';
import { entropySlopeOfPredictions, FOCAL_SLOPES, SLOPES } from '../fused/shaderTerms.js';
import { isBinary, pixelCode, type ProgramSpec } from './pixels.js';

/** The gradient of the sums, or with `perPixel` that of the map: the upstream dy [N,P] times the coefficients. */
export interface GradientSpec extends ProgramSpec {
  sums: SumSet;
  wrt: Wrt;
  perPixel: boolean;
}

/** True if the gradient of a class depends on the slopes of all classes of the pixel. */
export const isShared = ({ pass, wrt }: Pick<GradientSpec, 'pass' | 'wrt'>): boolean =>
  pass.activation === 'softmax' && wrt === 'predictions';

export function gradientCode(spec: GradientSpec): string {
  const { pass, wrt, perPixel, kept } = spec;
  const total = kept ? 'getStats((2 * samples + n) * pixels + i)' : 'totalOf(n, i, statistics)';
  const place = pass.classesFirst
    ? /* glsl */ `int i = at % pixels;
  int c = at / pixels % CLASSES;
  int n = at / pixels / CLASSES;`
    : /* glsl */ `int c = at % CLASSES;
  int n = at / CLASSES / pixels;
  int i = at / CLASSES - n * pixels;`;
  return /* glsl */ `${slopeCode(spec)}
void main() {
  int at = getOutputCoords().y;
  ${place}
  float w = weightOf(n, i);
  if (!(w > 0.0)) { setOutput(0.0); return; }
  vec2 statistics = statisticsOf(n, i);
  Element x = elementOf(predictionOf(n, i, c), statistics);
  float slope = slopeOf(x, n, i, c);
  ${isShared(spec) ? `slope -= x.p * ${total};` : ''}
  float factor = w * scale${perPixel ? ' * getDy(n * pixels + i)' : ''};
  setOutput(written(slope * (factor${wrt === 'predictions' && pass.activation !== 'none' ? ' * sharpness' : ''})));
}
`;
}

/**
 * The code of `slopeOf` and, where the gradient is shared, `totalOf`: the sum of a pixel's slopes. Under softmax the
 * gradient with respect to a logit is the slope with respect to log p of its class, minus p times this sum.
 */
export function slopeCode(spec: GradientSpec): string {
  const { sums, wrt, perPixel, pass } = spec;
  const upstream = (s: number) => (perPixel ? 'getCoefficients(c)' : `getDy((${s} * samples + n) * CLASSES + c)`);
  const slopes = sums.map((sum, s) => {
    const slope = SLOPES[wrt][sum];
    return slope ? `{ float g = ${upstream(s)}; slope += ${slope}; }` : '';
  });
  const entropy = sums.indexOf('crossEntropy');
  const focal = entropy >= 0 && pass.entropy.focal;
  const ofTerm = upstream(entropy);
  const weighted = focal ? `${ofTerm} * focalFactorOf(x.p - t) * balanceOf(t)` : ofTerm;
  const { deviation, balance } = FOCAL_SLOPES;
  const ofFocal = wrt === 'predictions' ? `slope += ${deviation};` : `slope += ${balance} - ${deviation};`;
  const throughActivation = { softmax: 'slope *= x.p;', sigmoid: 'slope *= x.p * x.rest;', none: '' };
  return /* glsl */ `${pixelCode(spec)}
float slopeOf(Element x, int n, int i, int c) {
  float t = labelOf(n, i, c);
  float slope = 0.0;
  ${slopes.join('\n')}
  ${focal ? `{ float g = ${ofTerm}; ${ofFocal} }` : ''}
  ${wrt === 'predictions' ? throughActivation[pass.activation] : ''}
  ${entropy < 0 ? '' : `{ float g = ${weighted}; ${entropySlope(spec)} }`}
  return slope;
}
${
  isShared(spec) && !spec.kept
    ? /* glsl */ `
float totalOf(int n, int i, vec2 statistics) {
  float total = 0.0;
  for (int c = 0; c < CLASSES; c++) {
    total += slopeOf(elementOf(predictionOf(n, i, c), statistics), n, i, c);
  }
  return total;
}`
    : ''
}`;
}

function entropySlope(spec: GradientSpec): string {
  const { pass, wrt } = spec;
  const binary = isBinary(spec);
  if (wrt === 'labels') {
    const less = pass.entropy.subtractEntropy
      ? /* glsl */ `float label = smoothed(t);
    entropy += logOfProbability(label) ${binary ? '- logOfProbability(1.0 - label)' : '+ 1.0'};`
      : '';
    return /* glsl */ `
    float entropy = onOf(x)${binary ? ' * positiveOf(c) - offOf(x)' : ''};
    ${less}
    slope += entropy * (g * keep);`;
  }
  return entropySlopeOfPredictions(pass.activation, binary);
}
