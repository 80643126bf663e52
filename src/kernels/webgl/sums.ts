/**
 * GLSL code for the sums. A texel of the first program goes through a run of pixels; if there is more than one run, a
 * second program adds up their results.
 */
import type { PassSum, SumSet } from '../contract.js';
import { SUMMANDS } from '../fused/shaderTerms.js';
import { pixelCode, type ProgramSpec } from './pixels.js';

/** Up to this many pixels, one program is enough. */
const ONE_RUN = 256;
const BLOCK = 64;

/**
 * The length of a run, and the number of runs. Both are about the root of the number of pixels, so that neither program
 * has a texel with much more to do than those of the other.
 */
export function runsOf(pixels: number): { run: number; runs: number } {
  const run = pixels <= ONE_RUN ? pixels : BLOCK * Math.ceil(Math.sqrt(pixels) / BLOCK);
  return { run, runs: Math.ceil(pixels / run) };
}

/** Sums that do not depend on the predictions. */
const OF_LABELS: readonly PassSum[] = ['labelled', 'labelledSquared', 'valid'];

/** The code of the first program; its result is [S*N*C,runs]. */
export function sumsCode(spec: ProgramSpec, sums: SumSet): string {
  const summands = (ofLabels: boolean) =>
    sums.map((sum, s) =>
      OF_LABELS.includes(sum) === ofLabels ? `if (s == ${s}) { return w * (${SUMMANDS[sum]}); }` : '',
    );
  return /* glsl */ `${pixelCode(spec)}
float summandOf(int s, int n, int i, int c) {
  float w = weightOf(n, i);
  if (!(w > 0.0)) { return 0.0; }
  float t = labelOf(n, i, c);
  ${summands(true).join('\n')}
  Element x = elementOf(predictionOf(n, i, c), statisticsOf(n, i));
  ${summands(false).join('\n')}
  return 0.0;
}

void main() {
  ivec2 at = getOutputCoords();
  int c = at.x % CLASSES;
  int n = at.x / CLASSES % samples;
  int s = at.x / CLASSES / samples;
  int first = at.y * run;
  ${addUp('first', 'min(first + run, pixels)', 'summandOf(s, n, k, c)')}
  setOutput(written(total * scale));
}
`;
}

/** The code of the second program: from [many,runs] to [many,1]. */
export const TOTALS_CODE = /* glsl */ `
void main() {
  int first = getOutputCoords().x * runs;
  ${addUp('first', 'first + runs', 'getParts(k)')}
  setOutput(total * scale);
}
`;

/**
 * The code that sets `total` to a sum over k. To limit rounding errors it adds up 8 values, then 8 of these sums, then
 * those.
 */
function addUp(begin: string, end: string, value: string): string {
  return /* glsl */ `float total = 0.0;
  int end = ${end};
  for (int block = ${begin}; block < end; block += ${BLOCK}) {
    float part = 0.0;
    int blockEnd = min(block + ${BLOCK}, end);
    for (int few = block; few < blockEnd; few += 8) {
      float sum = 0.0;
      int fewEnd = min(few + 8, blockEnd);
      for (int k = few; k < fewEnd; k++) { sum += ${value}; }
      part += sum;
    }
    total += part;
  }`;
}
