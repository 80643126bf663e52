/**
 * GLSL code that all passes share: it reads the values of a pixel n, i (the sample and its pixel), and computes the
 * probability and the entropy term of a class. The code is made for one kind of pass and one number of classes; sizes
 * and factors are uniforms.
 */
import { STEEPEST } from '../../algebra/algebra.js';
import type { FocalFactor } from '../contract.js';
import type { FusedPass } from '../fused/passes.js';
import { arithmeticCode } from './arithmetic.js';

export interface ProgramSpec {
  pass: FusedPass;
  weighted: boolean;
  /** True if textures are float16. */
  half: boolean;
  /** True if there is an input `stats`, the result of `statisticsCode`. */
  kept: boolean;
}

export const isBinary = ({ pass }: ProgramSpec): boolean => pass.entropy.kind === 'binary';

/** The start of a `main` with a texel for each pixel; ends it for an ignored pixel. */
export const OWN_PIXEL = /* glsl */ `ivec2 at = getOutputCoords();
  int n = at.y / pixels;
  int i = at.y - n * pixels;
  if (!(weightOf(n, i) > 0.0)) { setOutput(0.0); return; }`;

export function pixelCode(spec: ProgramSpec): string {
  const { pass, weighted, half } = spec;
  const { classes, labelKind, classesFirst } = pass;
  const labels = {
    float32: 'getLabels(placeOf(n, i, c))',
    int32: 'getLabels(placeOf(n, i, c))',
    bool: 'getLabels(placeOf(n, i, c)) == 0.0 ? 0.0 : 1.0',
    // Textures hold integers as floats. With a single class, the label is 1 where the index is 1.
    indices: `abs(getLabels(n * pixels + i) - ${classes === 1 ? '1.0' : 'float(c)'}) < 0.5 ? 1.0 : 0.0`,
  };
  return /* glsl */ `${arithmeticCode(half)}
const int CLASSES = ${classes};

int placeOf(int n, int i, int c) {
  return ${classesFirst ? '(n * CLASSES + c) * pixels + i' : '(n * pixels + i) * CLASSES + c'};
}

float predictionOf(int n, int i, int c) { return getPredictions(placeOf(n, i, c)); }

float labelOf(int n, int i, int c) { return ${labels[labelKind]}; }

float weightOf(int n, int i) { return ${weighted ? 'getWeights(n * pixels + i)' : '1.0'}; }

${pass.activation === 'softmax' ? softmaxCode(spec) : 'vec2 statisticsOf(int n, int i) { return vec2(0.0); }'}
${termCode(spec)}`;
}

/**
 * The code of `statisticsOf`: the largest logit of a pixel and the sum of the other classes' exp(sharpness·(z - it)).
 * That sum leaves out the 1 of the largest logit, because float16 keeps more digits of it so.
 */
const softmaxCode = ({ kept }: ProgramSpec): string =>
  kept
    ? /* glsl */ `
vec2 statisticsOf(int n, int i) {
  int at = n * pixels + i;
  return vec2(getStats(at), getStats(samples * pixels + at));
}`
    : /* glsl */ `
float largestOf(int n, int i) {
  float largest = predictionOf(n, i, 0);
  for (int c = 1; c < CLASSES; c++) {
    float z = predictionOf(n, i, c);
    if (z > largest) { largest = z; }
  }
  return largest;
}

float othersOf(int n, int i, float largest) {
  float sum = 0.0;
  for (int c = 0; c < CLASSES; c++) { sum += expOfNonpositive((predictionOf(n, i, c) - largest) * sharpness); }
  return sum - 1.0;
}

vec2 statisticsOf(int n, int i) {
  float largest = largestOf(n, i);
  return vec2(largest, othersOf(n, i, largest));
}`;

/**
 * The code of `elementOf` and `entropyOf`. The first computes p, for a sigmoid also `rest` (1 - p), and `z` and `sum`,
 * of which `onOf` (-log p) and `offOf` (-log(1 - p)) make the entropy term.
 */
function termCode(spec: ProgramSpec): string {
  const { activation, entropy } = spec.pass;
  const binary = isBinary(spec);
  const elements = {
    softmax: /* glsl */ `
  x.z = (z - statistics.x) * sharpness;
  x.sum = statistics.y + 1.0;
  x.p = expOfNonpositive(x.z) / x.sum;`,
    sigmoid: /* glsl */ `
  x.z = z * sharpness;
  x.sum = expOfNonpositive(-abs(x.z));
  float large = 1.0 / (x.sum + 1.0);
  float small = x.sum * large;
  x.p = x.z > 0.0 ? large : small;
  x.rest = x.z > 0.0 ? small : large;`,
    none: /* glsl */ `
  x.z = z;
  x.p = z;`,
  };
  const surprises = {
    softmax: ['atMost(logOf(x.sum) - x.z, LARGEST_SURPRISE)', '0.0'],
    sigmoid: ['-', ''].map((sign) => `atMost(atLeast(${sign}x.z, 0.0) + logOfOnePlus(x.sum), LARGEST_SURPRISE)`),
    none: ['-logOfProbability(x.z)', '-logOfProbability(1.0 - x.z)'],
  };
  const [on, off] = surprises[activation];
  const { subtractEntropy } = entropy;
  return /* glsl */ `
struct Element { float z; float p; float rest; float sum; };

Element elementOf(float z, vec2 statistics) {
  Element x = Element(0.0, 0.0, 0.0, 0.0);
  ${elements[activation]}
  return x;
}

float onOf(Element x) { return ${on}; }

float offOf(Element x) { return ${off}; }

float positiveOf(int c) { return ${binary && entropy.posWeight ? 'getPositives(c)' : '1.0'}; }

float smoothed(float t) { return t * keep + share; }

float plainEntropyOf(Element x, float label, int c) {
  float t = smoothed(label);
  float value = t * onOf(x);
  ${binary ? 'value = value * positiveOf(c) + (1.0 - t) * offOf(x);' : ''}
  ${subtractEntropy ? 'value += t * logOfProbability(t);' : ''}
  ${subtractEntropy && binary ? 'value += (1.0 - t) * logOfProbability(1.0 - t);' : ''}
  return value;
}

${entropy.focal ? focalCode(entropy.focal) : ''}
float entropyOf(Element x, float label, int c) {
  return plainEntropyOf(x, label, c)${entropy.focal ? ' * focalFactorOf(x.p - label) * balanceOf(label)' : ''};
}
`;
}

/** The code of the focal factor abs(p - t)^gamma, of its balance, and of their slopes. */
const focalCode = ({ alpha: given }: FocalFactor): string => /* glsl */ `
// abs(d)^e. For a negative e, abs(d) is taken to be at least 1e-6.
float sizePower(float d, float e) {
  if (e == 0.0) { return 1.0; }
  if (e == 1.0) { return abs(d); }
  if (e == 2.0) { return d * d; }
  float size = e < 0.0 ? atLeast(abs(d), ${STEEPEST}) : abs(d);
  if (size < 1.1754944e-38) { return 0.0; }
  float y = e * logOf(size);
  float power = expOfNonpositive(-abs(y));
  return y > 0.0 ? 1.0 / power : power;
}

float focalFactorOf(float d) { return sizePower(d, gamma); }

float focalSlopeOf(float d) { return gamma * signOf(d) * sizePower(d, gamma - 1.0); }

float balanceOf(float t) { return ${given === null ? '1.0' : 'alpha * t + (1.0 - alpha) * (1.0 - t)'}; }

float balanceSlopeOf() { return ${given === null ? '0.0' : '2.0 * alpha - 1.0'}; }
`;
