import * as tf from '@tensorflow/tfjs-core';
import type { Tensor, Tensor2D, Tensor3D } from '@tensorflow/tfjs-core';
import { pixels, probabilities, weigh } from '../kernels/composed/pixels.js';
import { sumPixels } from '../kernels/sumPixels.js';
import { passAttributes, plainEntropy, type Problem } from '../overlap/problem.js';

/**
 * The metric intersection added up as Σ w min(p, t), with P and T: [N,C] each. (P + T - Σ w abs(p - t))/2 is the same but
 * cancels where P is far below T or T below P: a ratio to the smaller one, as precision and recall are, would be noise.
 */
export function smallerSums(problem: Problem): { intersection: Tensor2D; predicted: Tensor2D; labelled: Tensor2D } {
  const all = pixels(problem, passAttributes(problem, plainEntropy(problem)));
  const p = probabilities(all.scaled, problem.activation);
  const sumOf = (x: Tensor3D): Tensor2D => sumPixels(weigh(x, all.weights));
  return { intersection: sumOf(smaller(p, all.labels)), predicted: sumOf(p), labelled: sumOf(all.labels) };
}

/** min(a, b), half of the gradient for each in a tie. */
function smaller(a: Tensor3D, b: Tensor3D): Tensor3D {
  return tf.customGrad((x, y, save) => {
    (save as tf.GradSaveFunc)([x as Tensor, y as Tensor]);
    return {
      value: tf.minimum(x as Tensor3D, y as Tensor3D),
      gradFunc: (dy: Tensor, [x, y]: Tensor[]) => {
        const larger = tf.mul(tf.sign(tf.sub(x!, y!)), 0.5);
        return [tf.mul(dy, tf.sub(0.5, larger)), tf.mul(dy, tf.add(0.5, larger))];
      },
    };
  })(a, b) as Tensor3D;
}
