/** WGSL code for the cross-entropy of each pixel: a workgroup computes a tile of pixels, each lane one of them. */
import { OWN_TILE, pixelCode, type ProgramSpec } from './pixels.js';

export function entropyMapCode(spec: ProgramSpec): string {
  const { pass } = spec;
  return /* wgsl */ `${pixelCode(spec)}
fn main(index : i32) {
  ${OWN_TILE}
  // No barrier is needed after softmax, because each lane goes on with its own pixel.
  ${pass.activation === 'softmax' ? 'softmax(lane);' : ''}
  if (lane < WIDTH && isThere(n, first + lane)) {
    var sum = 0.0;
    for (var c = 0; c < CLASSES; c++) {
      sum += entropyOf(elementOf(c, lane), labelOf(c, lane), c) * parameters[uniforms.coefficients + c];
    }
    result[n * uniforms.pixels + first + lane] = sum * ws[lane];
  }
}
`;
}
