/** tfjs-node's TensorBoard callback, with the library that softseg brings, sees the values that our callbacks log. */
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import * as tf from '@tensorflow/tfjs';
import { node } from '@tensorflow/tfjs-node';
import { MeanIou, validationScores } from '../../src/metrics/index.js';
import { anneal, learningRateSchedule, linearSchedule, namedLoss } from '../../src/training/index.js';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'softseg-board-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

test('TensorBoard gets scores, annealed options and the learning rate for each epoch', async () => {
  await tf.setBackend('tensorflow');
  const model = tf.sequential({ layers: [tf.layers.dense({ inputShape: [3, 4], units: 2 })] });
  const loss = namedLoss('iouLoss');
  const optimizer = tf.train.sgd(0.1);
  model.compile({ optimizer, loss });
  const [xs, ys] = [tf.randomNormal([4, 3, 4]), tf.softmax(tf.randomNormal([4, 3, 2]))];
  const ours = [
    validationScores(model, { xs, ys }, { iou: new MeanIou() }),
    anneal(loss, { sharpness: linearSchedule({ from: 1, to: 3, steps: 2 }) }),
    learningRateSchedule(optimizer, linearSchedule({ from: 0.5, to: 0.25, steps: 2 })),
  ];
  const callbacks = [...ours.map((each) => new tf.CustomCallback(each)), node.tensorBoard(folder)];
  const { history } = await model.fit(xs, ys, { epochs: 3, verbose: 0, callbacks });

  const written = { ...scalarsIn(join(folder, 'train')), ...scalarsIn(join(folder, 'val')) };
  expect(Object.keys(written).sort()).toEqual(['epoch_iou', 'epoch_learningRate', 'epoch_loss', 'epoch_sharpness']);
  for (const [tag, name] of [
    ['epoch_iou', 'val_iou'],
    ['epoch_learningRate', 'learningRate'],
    ['epoch_loss', 'loss'],
    ['epoch_sharpness', 'sharpness'],
  ] as const) {
    const values = history[name] as number[];
    expect(written[tag]).toEqual(values.map((value, epoch) => [epoch + 1, Math.fround(value)]));
  }
  expect(history['sharpness']).toEqual([1, 2, 3]);
  model.dispose();
});

/** [step, value] by tag. A record is a length (8 bytes), its checksum (4), an Event, and its checksum (4). */
function scalarsIn(folder: string): Record<string, [number, number][]> {
  const scalars: Record<string, [number, number][]> = {};
  for (const file of readdirSync(folder)) {
    const bytes = readFileSync(join(folder, file));
    for (let at = 0; at < bytes.length;) {
      const length = Number(bytes.readBigUInt64LE(at));
      const event = fieldsOf(bytes.subarray(at + 12, at + 12 + length));
      at += 12 + length + 4;
      const summary = event.get(5); // Event.summary; step is field 2
      if (!summary) continue;
      const value = fieldsOf(fieldsOf(summary as Buffer).get(1) as Buffer); // Summary.value: tag is 1, simple_value 2
      const number = (value.get(2) as Buffer).readFloatLE(0);
      (scalars[String(value.get(1))] ??= []).push([Number(event.get(2)), number]);
    }
  }
  return scalars;
}

/** The fields of a protocol buffer by number: a number, or bytes if the field has a length. */
function fieldsOf(bytes: Buffer): Map<number, number | Buffer> {
  const fields = new Map<number, number | Buffer>();
  let at = 0;
  const varint = () => {
    let value = 0;
    for (let shift = 1; ; shift *= 128) {
      const byte = bytes[at++]!;
      value += (byte & 127) * shift;
      if (byte < 128) return value;
    }
  };
  while (at < bytes.length) {
    const key = varint();
    const [field, wire] = [key >> 3, key & 7];
    if (wire === 0) fields.set(field, varint());
    else {
      const length = wire === 2 ? varint() : wire === 1 ? 8 : 4;
      fields.set(field, bytes.subarray(at, at + length));
      at += length;
    }
  }
  return fields;
}
