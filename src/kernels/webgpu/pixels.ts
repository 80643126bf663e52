/**
 * WGSL code that all passes share: it copies a tile of pixels into a workgroup's memory, and computes the softmax there
 * and the values for each pixel and class. The code is made for one kind of pass and one number of classes; sizes and
 * factors are uniforms.
 */
import { STEEPEST } from '../../algebra/algebra.js';
import type { FocalFactor } from '../contract.js';
import type { FusedPass } from '../fused/passes.js';
import { ARITHMETIC } from './arithmetic.js';
import { LANES, type TileLayout } from './tiles.js';

export interface ProgramSpec {
  pass: FusedPass;
  tiles: TileLayout;
  weighted: boolean;
  /** True if the entropy term is needed. */
  entropy: boolean;
}

export const isBinary = ({ pass }: ProgramSpec): boolean => pass.entropy.kind === 'binary';

/** The start of a `main` that computes one tile: sets the lane, sample n and first pixel, and loads the tile. */
export const OWN_TILE = /* wgsl */ `let lane = i32(localIndex);
  let group = index / LANES;
  let n = group / uniforms.tiles;
  let first = group % uniforms.tiles * WIDTH;
  stage(lane, n, first);
  workgroupBarrier();`;

/** The code with `stage`, which loads a tile, `softmax`, and the functions of `termCode`. */
export function pixelCode(spec: ProgramSpec): string {
  const { pass, tiles, weighted } = spec;
  const { classes, labelKind } = pass;
  const { width, stride } = tiles;
  const indices = labelKind === 'indices';
  const label = labelKind === 'bool' ? 'select(0.0, 1.0, labels[place.at] != 0)' : 'f32(labels[place.at])';
  const counts = weighted ? 'f32(weights[n * uniforms.pixels + pixel]) > 0.0' : 'true';
  return /* wgsl */ `${ARITHMETIC}
const CLASSES = ${classes};
const WIDTH = ${width};
const STRIDE = ${stride};
const LANES = ${LANES};

// sharpness·z, or p with activation none. After softmax() it is z - max, or exp(z - max) if no logarithm is needed.
var<workgroup> zs : array<f32, ${classes * stride}>;
${indices ? `var<workgroup> indices : array<i32, ${width}>;` : `var<workgroup> ts : array<f32, ${classes * stride}>;`}
// 0 beyond the last pixel.
var<workgroup> ws : array<f32, ${width}>;
var<workgroup> inverses : array<f32, ${width}>;
var<workgroup> logSums : array<f32, ${width}>;

struct Place { i : i32, c : i32, at : i32 };

// The place of the k-th value of a tile in the order of memory.
fn placeOf(k : i32, n : i32, first : i32) -> Place {
  ${
    pass.classesFirst
      ? `let c = k / WIDTH;
  let i = k - c * WIDTH;
  return Place(i, c, (n * CLASSES + c) * uniforms.pixels + first + i);`
      : `let i = k / CLASSES;
  let c = k - i * CLASSES;
  return Place(i, c, (n * uniforms.pixels + first + i) * CLASSES + c);`
  }
}

fn isThere(n : i32, pixel : i32) -> bool { return n < uniforms.samples && pixel < uniforms.pixels; }

// Loads a tile, with 0 for ignored pixels. f32() is needed because tensors that tfjs has cast to float32 still hold
// integers.
fn stage(lane : i32, n : i32, first : i32) {
  for (var k = lane; k < WIDTH * CLASSES; k += LANES) {
    let place = placeOf(k, n, first);
    let pixel = first + place.i;
    var z = 0.0;
    ${indices ? '' : 'var t = 0.0;'}
    if (isThere(n, pixel) && ${counts}) {
      z = f32(predictions[place.at])${pass.activation === 'none' ? '' : ' * uniforms.sharpness'};
      ${indices ? '' : `t = ${label};`}
    }
    zs[place.c * STRIDE + place.i] = z;
    ${indices ? '' : 'ts[place.c * STRIDE + place.i] = t;'}
  }
  if (lane < WIDTH) {
    let pixel = first + lane;
    var w = 0.0;
    ${indices ? 'var index = -1;' : ''}
    if (isThere(n, pixel)) {
      w = ${weighted ? 'f32(weights[n * uniforms.pixels + pixel])' : '1.0'};
      ${indices ? 'index = labels[n * uniforms.pixels + pixel];' : ''}
    }
    ws[lane] = w;
    ${indices ? 'indices[lane] = index;' : ''}
  }
}

// With a single class, the label is 1 where the index is 1.
fn labelOf(c : i32, i : i32) -> f32 {
  return ${indices ? `select(0.0, 1.0, indices[i] == ${classes === 1 ? '1' : 'c'})` : 'ts[c * STRIDE + i]'};
}

${pass.activation === 'softmax' ? softmax(spec) : ''}
${termCode(spec)}`;
}

/** The code of the softmax, with a lane for each pixel. */
function softmax({ entropy }: ProgramSpec): string {
  return /* wgsl */ `
fn softmax(lane : i32) {
  if (lane >= WIDTH) { return; }
  var most = zs[lane];
  for (var at = lane + STRIDE; at < CLASSES * STRIDE; at += STRIDE) {
    if (zs[at] > most) { most = zs[at]; }
  }
  var sum = 0.0;
  for (var at = lane; at < CLASSES * STRIDE; at += STRIDE) {
    let shifted = zs[at] - most;
    let e = expOfNonpositive(shifted);
    sum += e;
    zs[at] = ${entropy ? 'shifted' : 'e'};
  }
  inverses[lane] = 1.0 / sum;
  ${entropy ? 'logSums[lane] = logOf(sum);' : ''}
}
`;
}

/**
 * The code of `elementOf` and `entropyOf`. The first computes p, for a sigmoid also `rest` (1 - p), and for the entropy
 * term `on` (-log p) and, if it is binary, `off` (-log(1 - p)). The second computes the entropy term.
 */
function termCode(spec: ProgramSpec): string {
  const { pass, entropy } = spec;
  const binary = isBinary(spec);
  const elements = {
    softmax: `
  var x : Element;
  x.p = ${entropy ? 'expOfNonpositive(z)' : 'z'} * inverses[i];
  ${entropy ? 'x.on = atMost(logSums[i] - z, LARGEST_SURPRISE);' : ''}
  return x;`,
    sigmoid: `
  let decay = expOfNonpositive(-abs(z));
  let large = 1.0 / (decay + 1.0);
  let small = decay * large;
  var x : Element;
  x.p = select(small, large, z > 0.0);
  x.rest = select(large, small, z > 0.0);
  ${
    entropy
      ? `let tail = logOfOnePlus(decay);
  x.on = atMost(atLeast(-z, 0.0) + tail, LARGEST_SURPRISE);
  x.off = atMost(atLeast(z, 0.0) + tail, LARGEST_SURPRISE);`
      : ''
  }
  return x;`,
    none: `
  var x : Element;
  x.p = z;
  ${entropy ? 'x.on = -logOfProbability(z);' : ''}
  ${entropy && binary ? 'x.off = -logOfProbability(1.0 - z);' : ''}
  return x;`,
  };
  const { subtractEntropy } = pass.entropy;
  return /* wgsl */ `
struct Element { p : f32, rest : f32, on : f32, off : f32 };

fn elementOf(c : i32, i : i32) -> Element {
  let z = zs[c * STRIDE + i];
  ${elements[pass.activation]}
}

fn positiveOf(c : i32) -> f32 { return ${pass.entropy.posWeight ? 'parameters[c]' : '1.0'}; }

fn smoothed(t : f32) -> f32 { return t * uniforms.keep + uniforms.share; }

fn plainEntropyOf(x : Element, label : f32, c : i32) -> f32 {
  let t = smoothed(label);
  var value = t * x.on;
  ${binary ? 'value = value * positiveOf(c) + (1.0 - t) * x.off;' : ''}
  ${subtractEntropy ? 'value += t * logOfProbability(t);' : ''}
  ${subtractEntropy && binary ? 'value += (1.0 - t) * logOfProbability(1.0 - t);' : ''}
  return value;
}

${pass.entropy.focal ? focalCode(pass.entropy.focal) : ''}
fn entropyOf(x : Element, label : f32, c : i32) -> f32 {
  return plainEntropyOf(x, label, c)${pass.entropy.focal ? ' * focalFactorOf(x.p - label) * balanceOf(label)' : ''};
}
`;
}

/** The code of the focal factor abs(p - t)^gamma, of its balance, and of their slopes. */
const focalCode = ({ alpha }: FocalFactor): string => /* wgsl */ `
// abs(d)^e. For a negative e, abs(d) is taken to be at least 1e-6.
fn sizePower(d : f32, e : f32) -> f32 {
  if (e == 0.0) { return 1.0; }
  if (e == 1.0) { return abs(d); }
  if (e == 2.0) { return d * d; }
  let size = select(abs(d), atLeast(abs(d), ${STEEPEST}), e < 0.0);
  if (size < 1.1754944e-38) { return 0.0; }
  let y = e * logOf(size);
  let power = expOfNonpositive(-abs(y));
  return select(power, 1.0 / power, y > 0.0);
}

fn focalFactorOf(d : f32) -> f32 { return sizePower(d, uniforms.gamma); }

fn focalSlopeOf(d : f32) -> f32 { return uniforms.gamma * signOf(d) * sizePower(d, uniforms.gamma - 1.0); }

fn balanceOf(t : f32) -> f32 {
  return ${alpha === null ? '1.0' : 'uniforms.alpha * t + (1.0 - uniforms.alpha) * (1.0 - t)'};
}

fn balanceSlopeOf() -> f32 { return ${alpha === null ? '0.0' : '2.0 * uniforms.alpha - 1.0'}; }
`;
