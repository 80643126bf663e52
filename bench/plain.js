// The losses as users write them in plain tfjs ops, without this package: same formulas, same defaults.
import * as tf from '@tensorflow/tfjs';

/**
 * Soft labels unchanged, class indices as one-hot. The cast is needed because tf.oneHot with dtype float32 is wrong on
 * wasm.
 */
function toSoft(labels, classes) {
  if (labels.dtype !== 'int32') return labels;
  return tf.cast(classes > 1 ? tf.oneHot(labels, classes) : tf.expandDims(labels, -1), 'float32');
}

/** The mean over samples and the classes present in them; a single class that is absent costs its mean probability. */
function regionLoss(t, z, value) {
  const spatial = z.shape.slice(1, -1).map((_, axis) => axis + 1);
  const p = z.shape.at(-1) > 1 ? tf.softmax(z) : tf.sigmoid(z);
  const predicted = tf.sum(p, spatial);
  const labelled = tf.sum(t, spatial);
  const both = tf.add(predicted, labelled);
  const intersection = tf.div(tf.sub(both, tf.sum(tf.abs(tf.sub(p, t)), spatial)), 2);
  const losses = tf.sub(1, value(intersection, both));
  const present = tf.greater(labelled, 0);
  if (z.shape.at(-1) === 1) return tf.mean(tf.where(present, losses, tf.mean(p, spatial)));
  const counted = tf.cast(present, 'float32');
  return tf.mean(tf.div(tf.sum(tf.mul(losses, counted), 1), tf.sum(counted, 1)));
}

const iou = (t, z) => regionLoss(t, z, (intersection, both) => tf.div(intersection, tf.sub(both, intersection)));
const dice = (t, z) => regionLoss(t, z, (intersection, both) => tf.div(tf.mul(2, intersection), both));
const binaryCrossEntropy = (t, z) => tf.losses.sigmoidCrossEntropy(t, z);
const crossEntropy = (t, z) =>
  z.shape.at(-1) > 1 ? tf.neg(tf.mean(tf.sum(tf.mul(t, tf.logSoftmax(z)), -1))) : binaryCrossEntropy(t, z);

const onSoft = (loss) => (labels, z) => loss(toSoft(labels, z.shape.at(-1)), z);
export const plain = {
  iouLoss: onSoft(iou),
  diceLoss: onSoft(dice),
  crossEntropyLoss: onSoft(crossEntropy),
  binaryCrossEntropyLoss: onSoft(binaryCrossEntropy),
  comboLoss: onSoft((t, z) => tf.add(iou(t, z), crossEntropy(t, z))),
};
