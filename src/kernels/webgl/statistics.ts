/** GLSL code of the program that computes the statistics of the softmax once for the programs after it. */
import type { FusedPass } from '../fused/passes.js';
import { OWN_PIXEL, pixelCode, type ProgramSpec } from './pixels.js';

/** From this many classes on, the extra program takes less time than computing the statistics for each class. */
const KEPT_FROM = 3;

export function keepsStatistics({ activation, classes }: FusedPass): boolean {
  return activation === 'softmax' && classes >= KEPT_FROM;
}

/**
 * The code for [2,N*P], the two values of `statisticsOf`, or for [3,N*P] with `totalCode`, which defines `totalOf`. The
 * spec is that of a program without the input `stats`. Each kind of value has a row of its own, because a GPU computes
 * neighbours together, and is fastest if they do the same.
 */
export function statisticsCode(spec: ProgramSpec, totalCode = ''): string {
  return /* glsl */ `${totalCode || pixelCode(spec)}
void main() {
  ${OWN_PIXEL}
  float largest = largestOf(n, i);
  if (at.x == 0) { setOutput(largest); return; }
  float others = othersOf(n, i, largest);
  ${totalCode ? 'if (at.x == 2) { setOutput(written(totalOf(n, i, vec2(largest, others)))); return; }' : ''}
  setOutput(others);
}
`;
}
