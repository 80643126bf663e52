/**
 * GLSL code for the sums. A texel of the first program goes through a run of pixels for a class, and has a group of up
 * to four sums; the second program adds up the runs.
 */
import type { PassSum, SumSet } from '../contract.js';
import { SUMMANDS } from '../fused/shaderTerms.js';
import { pixelCode, type ProgramSpec } from './pixels.js';

const BLOCK = 64;

/** The number of groups of sums. */
export const groupsOf = (sums: SumSet): number => Math.ceil(sums.length / 4);

/**
 * The length of a run, and the number of runs. Both are about the root of the number of pixels, so that neither program
 * has a texel with much more to do than those of the other.
 */
export function runsOf(pixels: number): { run: number; runs: number } {
  const run = BLOCK * Math.ceil(Math.sqrt(pixels) / BLOCK);
  return { run, runs: Math.ceil(pixels / run) };
}

/** The code of the first program: a matrix of groups [G*N*C,runs] with four sums in each texel. */
export function sumsCode(spec: ProgramSpec, sums: SumSet): string {
  const group = (first: number) => {
    const four = Array.from({ length: 4 }, (_, k): PassSum | undefined => sums[first + k]);
    return `vec4(${four.map((sum) => (sum ? SUMMANDS[sum] : '0.0')).join(', ')})`;
  };
  const groups = Array.from({ length: groupsOf(sums) }, (_, g) => `if (group == ${g}) { return w * ${group(4 * g)}; }`);
  return /* glsl */ `${pixelCode(spec)}
vec4 summandsOf(int group, int n, int i, int c) {
  float w = weightOf(n, i);
  if (!(w > 0.0)) { return vec4(0.0); }
  float t = labelOf(n, i, c);
  Element x = elementOf(predictionOf(n, i, c), statisticsOf(n, i));
  ${groups.join('\n')}
  return vec4(0.0);
}

void main() {
  ivec2 at = getOutputCoords() / 2;
  int c = at.x % CLASSES;
  int n = at.x / CLASSES % samples;
  int group = at.x / CLASSES / samples;
  int first = at.y * run;
  ${addUp('vec4', 'first', 'min(first + run, pixels)', 'summandsOf(group, n, k, c)')}
  total *= scale;
  setOutput(vec4(written(total.x), written(total.y), written(total.z), written(total.w)));
}
`;
}

/** The code of the second program: from the groups to [S*N*C,1]. */
export const totalsCode = (classes: number): string => /* glsl */ `
void main() {
  int row = getOutputCoords().x;
  int size = samples * ${classes};
  int s = row / size;
  int group = (s / 4 * size + row % size) * 2;
  ${addUp('float', '0', 'runs', 'getParts(group, 2 * k)[s % 4]')}
  setOutput(total * scale);
}
`;

/**
 * The code that sets `total` to a sum over k. To limit rounding errors it adds up 8 values, then 8 of these sums, then
 * those.
 */
function addUp(type: 'float' | 'vec4', begin: string, end: string, value: string): string {
  return /* glsl */ `${type} total = ${type}(0.0);
  int end = ${end};
  for (int block = ${begin}; block < end; block += ${BLOCK}) {
    ${type} part = ${type}(0.0);
    int blockEnd = min(block + ${BLOCK}, end);
    for (int few = block; few < blockEnd; few += 8) {
      ${type} sum = ${type}(0.0);
      int fewEnd = min(few + 8, blockEnd);
      for (int k = few; k < fewEnd; k++) { sum += ${value}; }
      part += sum;
    }
    total += part;
  }`;
}
