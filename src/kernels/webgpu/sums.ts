/**
 * WGSL code for the sums. A workgroup goes through a run of consecutive tiles, with one or more lanes for each class.
 * If there is more than one run, a second program adds up their results. To limit rounding errors, no lane adds more
 * than 64 values in a row; it then goes on with their sum as one value.
 */
import type { PassSum, SumSet } from '../contract.js';
import { SUMMANDS } from '../fused/shaderTerms.js';
import { pixelCode, type ProgramSpec } from './pixels.js';
import { LANES } from './tiles.js';

/** The code of the first program; its result is [S,N,C,runs]. */
export function sumsCode(spec: ProgramSpec, sums: SumSet): string {
  const { pass, tiles } = spec;
  const each = (line: (s: number, sum: PassSum) => string) => sums.map((sum, s) => line(s, sum)).join('\n');
  return /* wgsl */ `${pixelCode(spec)}
const BLOCK = ${tiles.block};
const SLICES = ${tiles.slices};

var<workgroup> tree : array<f32, LANES>;

fn main(index : i32) {
  let lane = i32(localIndex);
  let group = index / LANES;
  let run = group % uniforms.runs;
  let block = group / uniforms.runs % ${tiles.blocks};
  let n = group / uniforms.runs / ${tiles.blocks};
  let c = block * BLOCK + lane % BLOCK;
  let slice = lane / BLOCK;
  let isMine = slice < SLICES && c < CLASSES;
  ${each((s) => `var sum${s} = 0.0;`)}
  for (var tile = 0; tile < uniforms.run; tile++) {
    stage(lane, n, (run * uniforms.run + tile) * WIDTH);
    workgroupBarrier();
    ${pass.activation === 'softmax' ? 'softmax(lane);\nworkgroupBarrier();' : ''}
    if (isMine) {
      ${each((s) => `var part${s} = 0.0;`)}
      for (var i = slice; i < WIDTH; i += SLICES) {
        let w = ws[i];
        if (w > 0.0) {
          let t = labelOf(c, i);
          let x = elementOf(c, i);
          ${each((s, sum) => `part${s} += w * (${SUMMANDS[sum]});`)}
        }
      }
      ${each((s) => `sum${s} += part${s};`)}
    }
    workgroupBarrier();
  }
  ${each(
    (s) => `
  tree[lane] = sum${s};
  workgroupBarrier();
  for (var half = ${LANES / 2}; half > 0; half /= 2) {
    if (slice < half && slice + half < SLICES) { tree[lane] += tree[lane + half * BLOCK]; }
    workgroupBarrier();
  }
  if (isMine && slice == 0 && n < uniforms.samples) {
    result[((${s} * uniforms.samples + n) * CLASSES + c) * uniforms.runs + run] = tree[lane];
  }
  workgroupBarrier();`,
  )}
}
`;
}

/** The code of the second program: from [many,runs] to [many], with a workgroup for each row. */
export const TOTALS_CODE = /* wgsl */ `
var<workgroup> tree : array<f32, ${LANES}>;

fn main(index : i32) {
  let lane = i32(localIndex);
  let row = index / ${LANES};
  var sum = 0.0;
  if (row < uniforms.many) {
    for (var begin = lane; begin < uniforms.runs; begin += ${LANES * 32}) {
      var part = 0.0;
      for (var k = begin; k < min(begin + ${LANES * 32}, uniforms.runs); k += ${LANES}) {
        part += parts[row * uniforms.runs + k];
      }
      sum += part;
    }
  }
  tree[lane] = sum;
  workgroupBarrier();
  for (var half = ${LANES / 2}; half > 0; half /= 2) {
    if (lane < half) { tree[lane] += tree[lane + half]; }
    workgroupBarrier();
  }
  if (lane == 0 && row < uniforms.many) { result[row] = tree[0]; }
}
`;
