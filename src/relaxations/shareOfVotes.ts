import * as tf from '@tensorflow/tfjs-core';
import type { Tensor } from '@tensorflow/tfjs-core';

/** (votes + e)/(total + K e), and `missing` where that is 0/0; total broadcasts against votes. */
export function shareOfVotes(
  votes: Tensor,
  total: Tensor,
  { outcomes, smoothing, missing }: { outcomes: number; smoothing: number; missing: number },
): Tensor {
  if (smoothing > 0) return tf.div(tf.add(votes, smoothing), tf.add(total, outcomes * smoothing));
  const asked = tf.broadcastTo(tf.greater(total, 0), votes.shape);
  return tf.where(asked, tf.div(votes, tf.maximum(total, Number.MIN_VALUE)), tf.fill(votes.shape, missing));
}
