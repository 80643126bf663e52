/** Clones on the wasm backend that share their data during a call. */
import { describe, expect, jest, test } from '@jest/globals';
import * as tf from '@tensorflow/tfjs-core';
import { withSharedClones } from '../../src/kernels/wasm/sharedClones.js';

declare const TEST_BACKEND: string;

function onWasm(): void {
  const dataCount = () => tf.backend().numDataIds();

  test('a clone shares the data of its original only during the call', () => {
    const x = tf.tensor([1, 2, 3]);
    expect(x.clone().dataId).not.toBe(x.dataId);
    expect(withSharedClones(() => x.clone()).dataId).toBe(x.dataId);
    expect(x.clone().dataId).not.toBe(x.dataId);
  });

  test.each([
    ['the original first', true],
    ['the clone first', false],
  ])('shared data live until both tensors are disposed, %s', (_, originalFirst) => {
    const before = dataCount();
    const x = tf.tensor([1, 2, 3]);
    const clone = withSharedClones(() => x.clone());
    expect(dataCount()).toBe(before + 1);
    const [first, last] = originalFirst ? [x, clone] : [clone, x];
    first.dispose();
    // This would overwrite data that were freed too early.
    tf.tensor([7, 7, 7]).dispose();
    const other = tf.tensor([9, 9, 9]);
    expect([...last.dataSync()]).toEqual([1, 2, 3]);
    last.dispose();
    other.dispose();
    expect(dataCount()).toBe(before);
  });

  test('tensors that tfjs saves for a gradient take no memory of their own', () => {
    const x = tf.ones([256, 256]);
    const held = (around: <T>(run: () => T) => T): number => {
      let buffers = 0;
      const square = tf.customGrad((y, save) => {
        (save as tf.GradSaveFunc)([y as tf.Tensor]);
        const value = around(() => tf.square(y as tf.Tensor));
        return {
          value,
          gradFunc: (dy: tf.Tensor, [saved]: tf.Tensor[]) => {
            buffers = tf.memory().numDataBuffers;
            return tf.mul(dy, saved!);
          },
        };
      });
      const gradient = around(() => tf.grad((y) => tf.sum(square(y)))(x));
      expect(gradient.dataSync()[5]).toBe(1);
      gradient.dispose();
      return buffers;
    };
    // (tfjs's numBytes counts shared data twice.)
    expect(held(withSharedClones)).toBeLessThan(held((run) => run()));
    x.dispose();
  });

  test('calls can be nested, and errors pass through', () => {
    const copying = tf.getKernel(tf.Identity, 'wasm');
    const x = tf.tensor([1]);
    const inner = () => withSharedClones(() => x.clone());
    const [one, two] = withSharedClones(() => [inner(), x.clone()]);
    expect([one!.dataId, two!.dataId]).toEqual([x.dataId, x.dataId]);
    const fails = () =>
      withSharedClones(() => {
        throw new Error('from inside');
      });
    expect(fails).toThrow('from inside');
    expect(tf.getKernel(tf.Identity, 'wasm')).toEqual(copying);
  });

  test('nothing is written to the console', () => {
    const warn = jest.spyOn(console, 'warn').mockImplementation(() => {});
    withSharedClones(() => tf.tensor([1]).clone());
    expect(warn).not.toHaveBeenCalled();
    warn.mockRestore();
  });
}

if (TEST_BACKEND === 'wasm') describe('on the wasm backend', onWasm);
else
  test('nothing changes on a backend whose clones share their data anyway', () => {
    const x = tf.tensor([1, 2, 3]);
    const clone = withSharedClones(() => x.clone());
    expect(clone.dataId).toBe(x.dataId);
    x.dispose();
    expect([...clone.dataSync()]).toEqual([1, 2, 3]);
  });
