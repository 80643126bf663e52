import * as tf from '@tensorflow/tfjs-core';
import type { Tensor } from '@tensorflow/tfjs-core';
import { fail } from '../checks.js';
import { checkingValues } from '../checkValues.js';
import { ratio, ratioOr } from '../kernels/ratio.js';

/** (votes + e)/(total + K e), and `missing` where that is 0/0; total broadcasts against votes. */
export function shareOfVotes(
  fn: string,
  votes: Tensor,
  total: Tensor,
  { outcomes, smoothing, missing }: { outcomes: number; smoothing: number; missing: number },
): Tensor {
  if (checkingValues()) {
    const left = tf.sub(total, votes).dataSync();
    const bad = votes.dataSync().find((count, i) => !(count >= 0 && left[i]! >= 0));
    if (bad !== undefined) fail(fn, `votes must lie between 0 and the number of annotators, got ${bad}`);
  }
  if (smoothing > 0) return ratio(tf.add(votes, smoothing), tf.add(total, outcomes * smoothing));
  const nobody = tf.sub(1, tf.step(total));
  return tf.add(ratioOr(votes, total, 0), tf.mul(nobody, missing));
}
