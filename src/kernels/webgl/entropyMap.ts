/** GLSL code for the cross-entropy of each pixel, with a texel for each. */
import { OWN_PIXEL, pixelCode, type ProgramSpec } from './pixels.js';

export function entropyMapCode(spec: ProgramSpec): string {
  return /* glsl */ `${pixelCode(spec)}
void main() {
  ${OWN_PIXEL}
  vec2 statistics = statisticsOf(n, i);
  float sum = 0.0;
  for (int c = 0; c < CLASSES; c++) {
    Element x = elementOf(predictionOf(n, i, c), statistics);
    sum += entropyOf(x, labelOf(n, i, c), c) * getCoefficients(c);
  }
  setOutput(written(sum * weightOf(n, i)));
}
`;
}
