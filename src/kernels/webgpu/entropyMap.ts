/** WGSL of the map of the cross-entropy: a workgroup for each tile, a lane for each pixel. */
import { OWN_TILE, pixelCode, type ProgramSpec } from './pixels.js';

export function entropyMapCode(spec: ProgramSpec): string {
  const { pass } = spec;
  return /* wgsl */ `${pixelCode(spec)}
fn main(index : i32) {
  ${OWN_TILE}
  // (The same lane goes on with the same pixel.)
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
