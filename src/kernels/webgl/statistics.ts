/** GLSL code of the program that computes the statistics of the softmax once for the programs after it. */
import type { FusedPass } from '../fused/passes.js';
import { ownPixel, pixelCode, type ProgramSpec } from './pixels.js';

/** From this many classes on, the extra program takes less time than computing the statistics for each class. */
const KEPT_FROM = 3;

export function keepsStatistics({ activation, classes }: FusedPass): boolean {
  return activation === 'softmax' && classes >= KEPT_FROM;
}

/**
 * The code for two values of each pixel (`statisticsOf`), or three with `totalCode`, which defines `totalOf`. The spec
 * is that of a program without the input `stats`.
 */
export function statisticsCode(spec: ProgramSpec, totalCode = ''): string {
  return /* glsl */ `${totalCode || pixelCode(spec)}
void main() {
  ${ownPixel(totalCode ? 3 : 2)}
  float largest = largestOf(n, i);
  if (which == 0) { setOutput(largest); return; }
  float others = othersOf(n, i, largest);
  ${totalCode ? 'if (which == 2) { setOutput(written(totalOf(n, i, vec2(largest, others)))); return; }' : ''}
  setOutput(others);
}
`;
}
