/** The error of refused calls: the function it names, and the call at which its stack begins. */
import { describe, expect, test } from '@jest/globals';
import * as tf from '@tensorflow/tfjs-core';
import { currentFunction, inAsyncFunction, inFunction, withName } from '../../src/argumentError.js';
import { ArgumentError, diceLoss } from '../../src/index.js';
import { evaluateScores, MeanIou } from '../../src/metrics/index.js';
import { warmup } from '../../src/training/index.js';

const refuse = (message = 'alpha must be >= 0'): never => {
  throw withName(new ArgumentError(message));
};
const later = () => new Promise<void>((resolve) => setTimeout(resolve, 0));

async function errorOf(call: () => unknown): Promise<Error> {
  try {
    await call();
  } catch (error) {
    return error as Error;
  }
  throw new Error('it throws nothing');
}

describe('the name', () => {
  test('is that of the innermost public function', async () => {
    const inner = () => inFunction('inner', () => refuse());
    const { message } = await errorOf(() => inFunction('outer', () => [1].map(inner)));
    expect(message).toBe('inner: alpha must be >= 0');
    const { message: own } = await errorOf(() => inFunction('outer', refuse));
    expect(own).toBe('outer: alpha must be >= 0');
  });

  test('is in rejections, whether thrown before or after the first await', async () => {
    const refusing = (wait: boolean) =>
      inAsyncFunction('inner', async () => {
        if (wait) await later();
        return refuse();
      });
    for (const wait of [false, true]) {
      const { message } = await errorOf(() => inAsyncFunction('outer', async () => refusing(wait)));
      expect(message).toBe('inner: alpha must be >= 0');
    }
    const { message } = await errorOf(() => inAsyncFunction('plain', () => refuse()));
    expect(message).toBe('plain: alpha must be >= 0');
  });

  test('is put into errors of any class, but not into those thrown with a complete message', async () => {
    const throwing = (error: unknown) => () => {
      throw error;
    };
    const early = inFunction('f', () => inFunction('g', () => withName(new RangeError('too long'))));
    expect([early.constructor, early.message]).toEqual([RangeError, 'g: too long']);
    const late = await errorOf(() =>
      inAsyncFunction('f', async () => {
        await later();
        inFunction('g', () => 0);
        throw withName(new RangeError('too long'));
      }),
    );
    expect([late.constructor, late.message]).toEqual([RangeError, 'f: too long']);
    const ours = new ArgumentError('f: whole');
    for (const whole of [ours, new Error('not ours'), 'no error', undefined, null]) {
      expect(await errorOf(() => inAsyncFunction('f', () => inFunction('g', throwing(whole))))).toBe(whole);
    }
    expect(ours.message).toBe('f: whole');
  });

  test('and the message have no control characters', async () => {
    const { message } = await errorOf(() => inFunction('of \u001b', () => refuse('got \u0007')));
    expect(message).toBe('of \\u001b: got \\u0007');
  });

  test('of the running function can be read until it waits', async () => {
    const seen: string[] = [];
    const look = () => void seen.push(currentFunction);
    const waiting = inAsyncFunction('async', async () => {
      look();
      await later();
      look();
    });
    inFunction('outer', () => {
      look();
      inFunction('inner', look);
      expect(() => inFunction('thrower', refuse)).toThrow('thrower');
      look();
    });
    await waiting;
    look();
    expect(seen).toEqual(['async', 'outer', 'inner', 'outer', '', '']);
  });
});

describe('the stack', () => {
  /** The lines of this file in a stack, the innermost call first. */
  const linesOf = ({ stack = '' }: Error) => [...stack.matchAll(/argumentError\.test\.ts:(\d+)/g)].map(([, n]) => +n!);

  test('has the whole message, and begins at the called function', async () => {
    const deep = (depth: number): never => (depth === 0 ? refuse('$& must be $1') : deep(depth - 1));
    const called = () => inFunction('called', () => deep(20));
    let above = 0;
    const error = await errorOf(() => {
      [above] = linesOf(new Error()) as [number];
      called();
    });
    expect(error.stack).toMatch(/^ArgumentError: called: \$& must be \$1\n/);
    expect(linesOf(error)[1]).toBe(above + 1);
  });

  test('of a rejection has the whole message, and the awaited call', async () => {
    const called = () =>
      inAsyncFunction('called', async () => {
        await later();
        refuse('$& must be $1');
      });
    let above = 0;
    const error = await errorOf(async () => {
      [above] = linesOf(new Error()) as [number];
      await called();
    });
    expect(error.stack).toMatch(/^ArgumentError: called: \$& must be \$1\n/);
    expect(linesOf(error)).toContain(above + 1);
  });
});

describe('public functions', () => {
  const data = () => ({ xs: tf.zeros([1, 2, 2]), ys: tf.zeros([1, 2, 2]) });

  test('throw or reject with an ArgumentError', async () => {
    const y = tf.zeros([1, 2, 2]);
    const errors = await Promise.all(
      [
        () => diceLoss(y, y, { smooth: -1 }),
        () => new MeanIou({ absent: 'no' as never }),
        () => new MeanIou().update(y, tf.zeros([1, 2, 3])),
        () => new MeanIou().updateAsync(y, tf.zeros([1, 2, 3])),
        () => warmup(() => 1, { steps: 2 })(NaN),
        () => evaluateScores({ predict: (x) => x as tf.Tensor }, data(), {}, { batchSize: 0 }),
      ].map(errorOf),
    );
    for (const error of errors) expect(error).toBeInstanceOf(ArgumentError);
    for (const { name, message, stack } of errors) {
      expect(name).toBe('ArgumentError');
      expect(stack).toContain(`ArgumentError: ${message}\n`);
      // The stack holds the call, however deep inside it was refused.
      expect(stack).toContain('argumentError.test.ts');
      // Node shows ten frames; internal frames must not push the call out of them.
      expect(stack!.split('\n').findIndex((line) => line.includes('argumentError.test.ts'))).toBeLessThan(4);
    }
    expect(errors.map(({ message }) => message.slice(0, message.indexOf(':')))).toEqual([
      'diceLoss',
      'MeanIou',
      'MeanIou.update',
      'MeanIou.updateAsync',
      'warmup',
      'evaluateScores',
    ]);
  });
});
