import * as tf from '@tensorflow/tfjs-core';
import type { Tensor } from '@tensorflow/tfjs-core';
import { fail } from '../checks.js';
import { checkTensorValues, type Values } from '../checkValues.js';
import { ratio, ratioOr } from '../ops/ratio.js';

/** (votes + e)/(total + K e), with e = smoothing and K = outcomes; `missing` where that is 0/0. total broadcasts. */
export function shareOfVotes(
  votes: Tensor,
  total: Tensor,
  { outcomes, smoothing, missing }: { outcomes: number; smoothing: number; missing: number },
): Tensor {
  checkTensorValues(`${votes.rank} ${total.rank} ${outcomes}`, { votes, total }, (values) => {
    const totals = broadcast(values.total, total.shape, votes.shape);
    const bad = values.votes.find((count, i) => !(count >= 0 && count <= totals[i]!));
    if (bad !== undefined) fail(`votes must lie between 0 and the number of annotators, got ${bad}`);
  });
  if (smoothing > 0) return ratio(tf.add(votes, smoothing), tf.add(total, outcomes * smoothing));
  const nobody = tf.sub(1, tf.step(total));
  return tf.add(ratioOr(votes, total, 0), tf.mul(nobody, missing));
}

/** The values broadcast to a larger shape, axis by axis, beginning with the last one. */
function broadcast(values: Values, from: readonly number[], to: readonly number[]): Values {
  const padded = [...to.slice(from.length).map(() => 1), ...from];
  let all = values;
  for (let axis = to.length - 1, inner = 1; axis >= 0; axis--) {
    const size = to[axis]!;
    if (padded[axis] !== size) {
      const wider = new Float32Array(all.length * size);
      for (let row = 0; row < all.length / inner; row++) {
        for (let i = 0; i < size; i++)
          wider.set(all.subarray(row * inner, (row + 1) * inner), (row * size + i) * inner);
      }
      all = wider;
    }
    inner *= size;
  }
  return all;
}
