// scripts/nodes.js runs this on each version of Node: it loads the entries by require and by import, and trains a small
// network on the native backend.
const ENTRIES = ['softseg', 'softseg/metrics', 'softseg/training'];
const required = ENTRIES.map((entry) => require(entry));

async function main() {
  const { load } = await import('softseg/node');
  const { backend } = await load('native');
  const tf = require('@tensorflow/tfjs');
  const imported = await Promise.all(ENTRIES.map((entry) => import(entry)));
  const same = imported.every((entry, i) => Object.keys(entry).every((name) => entry[name] === required[i][name]));
  const [{ kernelsInUse }, , { namedLoss }] = imported;

  const noise = tf.randomUniform([4, 16, 16, 1], -1, 1, 'float32', 7);
  const labels = tf.softmax(tf.concat([noise, tf.mul(noise, -2)], -1));
  const seed = (n) => tf.initializers.glorotUniform({ seed: n });
  const model = tf.sequential({
    layers: [
      tf.layers.conv2d({
        inputShape: [16, 16, 1],
        filters: 4,
        kernelSize: 3,
        padding: 'same',
        activation: 'relu',
        kernelInitializer: seed(1),
      }),
      tf.layers.conv2d({ filters: 2, kernelSize: 1, kernelInitializer: seed(2) }),
    ],
  });
  model.compile({ optimizer: tf.train.adam(0.02), loss: namedLoss('comboLoss') });
  const losses = [];
  for (let step = 0; step < 20; step++) losses.push(await model.trainOnBatch(noise, labels));
  const answer = { node: process.version, backend, kernels: kernelsInUse(), losses, required: same };
  console.log(JSON.stringify(answer));
}

main();
