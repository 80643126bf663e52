// Forward + backward of the public losses beside the same loss written in plain tfjs ops, in one run, the two taking
// turns: medians and ratios. Usage, after `npm run build`: node bench/losses.js [native|wasm|cpu] [repeats]
import * as tf from '@tensorflow/tfjs';
import { comboLoss, crossEntropyLoss, diceLoss, iouLoss } from 'softseg';
import { load } from 'softseg/node';

const [choice = 'native', repeats = '15'] = process.argv.slice(2);
const { backend, version } = await load(choice);
console.log(`${backend} ${version}, ${repeats} repeats; ms are medians of forward + backward`);

// What a person writes without this package: product form, softmax, mean over samples and classes.
const sums = (t, z) => {
  const p = tf.softmax(z);
  return [tf.sum(tf.mul(p, t), [1, 2]), tf.sum(p, [1, 2]), tf.sum(t, [1, 2])];
};
const plain = {
  iou: (t, z) => {
    const [i, p, l] = sums(t, z);
    return tf.mean(tf.sub(1, tf.div(i, tf.sub(tf.add(p, l), i))));
  },
  dice: (t, z) => {
    const [i, p, l] = sums(t, z);
    return tf.mean(tf.sub(1, tf.div(tf.mul(2, i), tf.add(p, l))));
  },
  crossEntropy: (t, z) => tf.neg(tf.mean(tf.sum(tf.mul(t, tf.logSoftmax(z)), -1))),
};
const rows = {
  'iouLoss, product': [(t, z) => iouLoss(t, z, { overlap: 'product' }), plain.iou],
  'iouLoss, metric': [iouLoss, plain.iou],
  'diceLoss, metric': [diceLoss, plain.dice],
  crossEntropyLoss: [crossEntropyLoss, plain.crossEntropy],
  'comboLoss (IoU + CE)': [comboLoss, (t, z) => tf.add(plain.iou(t, z), plain.crossEntropy(t, z))],
};
const shapes = backend === 'cpu' ? [[1, 128, 128, 4]] : [[4, 256, 256, 21], [8, 256, 256, 4]]; // prettier-ignore

const median = (values) => values.sort((a, b) => a - b)[values.length >> 1];
/** Milliseconds of one gradient, all of it waited for. */
function time(loss, t, z) {
  const start = performance.now();
  const { value, grads } = tf.valueAndGrads((x) => loss(t, x))([z]);
  value.dataSync();
  tf.slice(tf.reshape(grads[0], [-1]), [0], [1]).dataSync();
  tf.dispose([value, grads]);
  return performance.now() - start;
}

for (const shape of shapes) {
  const t = tf.softmax(tf.randomNormal(shape));
  const z = tf.randomNormal(shape);
  const table = {};
  for (const [name, losses] of Object.entries(rows)) {
    const times = [[], []];
    tf.tidy(() => {
      losses.forEach((loss) => time(loss, t, z));
      for (let i = 0; i < Number(repeats); i++) losses.forEach((loss, k) => times[k].push(time(loss, t, z)));
    });
    const [ours, plainOps] = times.map(median);
    table[name] = { 'softseg ms': ours.toFixed(1), 'plain tfjs ops ms': plainOps.toFixed(1), ratio: (plainOps / ours).toFixed(2) }; // prettier-ignore
  }
  console.log(`[${shape}]`);
  console.table(table);
  tf.dispose([t, z]);
}
