// Programs that save and load models: node savingRun.mjs write|read|fail FOLDER [SECONDS]. All weights of a model, and
// its state, are the same number, so that half a model, or a mixture of two, can be detected.
import { readdirSync, rmdirSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import * as tf from '@tensorflow/tfjs';
import { diceLoss } from 'softseg';
import { compileSaved, saveModel } from 'softseg/training';
import { latestCheckpoint, modelFiles, saveCheckpoint } from 'softseg/node';

const [what, folder, seconds = '1e9'] = process.argv.slice(2);
const say = (line) => writeSync(1, `${line}\n`);
const over = Date.now() + 1000 * Number(seconds);

function build(units) {
  const model = tf.sequential({ layers: [tf.layers.dense({ inputShape: [64], units })] });
  model.compile({ optimizer: tf.train.momentum(0.1, 0.9), loss: diceLoss });
  return model;
}

function fill(model, value) {
  const weights = model.getWeights().map((weight) => tf.fill(weight.shape, value));
  model.setWeights(weights);
  tf.dispose(weights);
}

/** The number that fills the model. */
function valueOf(model, state) {
  const values = new Set([state.value, ...model.getWeights().flatMap((weight) => [...weight.dataSync()])]);
  model.dispose();
  model.optimizer.dispose();
  if (values.size !== 1) throw new Error(`a mixture of ${[...values].slice(0, 5).join(', ')}`);
  return state.value;
}

async function valueIn(path) {
  const model = await tf.loadLayersModel(modelFiles(path));
  return valueOf(model, compileSaved(model).state);
}

const programs = {
  /** Saves checkpoints, and one model again and again. */
  async write() {
    const model = build(256);
    const last = await latestCheckpoint(join(folder, 'run'));
    let value = (last?.step ?? 0) + 1;
    for (let saved = 0; Date.now() < over; value++, saved++) {
      fill(model, value);
      await saveCheckpoint(model, join(folder, 'run'), { step: value, keep: 1, state: { value } });
      await saveModel(model, modelFiles(join(folder, 'model')), { state: { value } });
      say(`saved ${saved + 1} ${value}`);
    }
  },

  /** Loads the models that others are writing. */
  async read() {
    let newest = 0;
    for (let read = 0; Date.now() < over; read++) {
      const last = await latestCheckpoint(join(folder, 'run'));
      if (last.passedOver.length > 0) throw new Error(`passed over ${JSON.stringify(last.passedOver)}`);
      const { model } = await last.load();
      if (valueOf(model, last.state) !== last.step) throw new Error(`step ${last.step} has ${last.state.value}`);
      if (last.step < newest) throw new Error(`step ${last.step} after ${newest}`);
      newest = last.step;
      await valueIn(join(folder, 'model'));
      say(`read ${read + 1}`);
    }
  },

  /** Saves while each disk operation fails in turn, with test/damage/failingWrites. */
  async fail() {
    const arm = (at, how, error) => rmdirSync(`/failing-writes/${at}/${error}/${how}`);
    const model = build(4);
    const save = {
      // Saves into a folder that does not exist yet.
      first: async (value, path) => saveCheckpoint(model, path, { step: value, keep: 1, state: { value } }),
      next: async (value) => saveCheckpoint(model, join(folder, 'next'), { step: value, keep: 1, state: { value } }),
      over: async (value) => saveModel(model, modelFiles(join(folder, 'over')), { state: { value } }),
    };
    const lines = [];
    for (const kind of Object.keys(save)) {
      let [value, good] = [0, 0];
      const attempt = async (at, how, error) => {
        const path = kind === 'first' ? join(folder, `in/${how}-${error}-${at}/first`) : join(folder, kind);
        fill(model, ++value);
        arm(at, how, error);
        const message = await save[kind](value, path).then(
          () => 'done',
          (thrown) => `${thrown.constructor.name}: ${thrown.message}`,
        );
        arm(0, how, error);
        if (message === 'done') good = value;
        // Now either the new model is there, or the one before.
        let there;
        if (kind === 'over') there = await valueIn(path);
        else {
          const last = await latestCheckpoint(path);
          if (last) there = valueOf((await last.load()).model, last.state);
        }
        return { kind, at, how, error, message, value, good, there, files: list(folder) };
      };
      await attempt(0, 'once', 28);
      for (const how of ['once', 'from', 'short']) {
        for (const error of [28, 30, 5]) {
          // The loop ends when no operation is left that could fail.
          for (let at = 1; at === 1 || lines.at(-1).message !== 'done'; at++) {
            lines.push(await attempt(at, how, error));
          }
        }
      }
    }
    say(JSON.stringify(lines));
  },
};

/** All files, and empty folders. */
function list(path) {
  const inside = readdirSync(path, { withFileTypes: true });
  if (inside.length === 0) return [`${path} is empty`];
  return inside.flatMap((one) => (one.isDirectory() ? list(join(path, one.name)) : [join(path, one.name)]));
}

await programs[what]();
