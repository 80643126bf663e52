/** The text of passed values in error messages is short, and making it never throws. */
import { describe, expect, test } from '@jest/globals';
import * as tf from '@tensorflow/tfjs-core';
import { show } from '../../src/checks.js';
import { HOSTILE } from './hostile.js';

describe('show', () => {
  test.each<[string, unknown]>([
    ['undefined', undefined],
    ['null', null],
    ['-0.5', -0.5],
    ['NaN', NaN],
    ['true', true],
    ['"a\\"b"', 'a"b'],
    ['12n', 12n],
    ['a large bigint', 10n ** 5000n],
    ['Symbol(x)', Symbol('x')],
    ['[1,"a",[2,null]]', [1, 'a', [2, null]]],
    ['[undefined,undefined]', new Array(2)],
    ['[0,1,2,3,4,5,6,7,8,9,... (1000 in all)]', Array.from({ length: 1000 }, (_, i) => i)],
    ['Float32Array [1,2]', Float32Array.of(1, 2)],
    ['{"iou":1,"a-b":{"c":[]}}', { iou: 1, 'a-b': { c: [] } }],
    ['{}', Object.create(null)],
    ['[[[[...]]]]', [[[[1]]]]],
    [`"${'x'.repeat(60)}"... (1000000 characters)`, 'x'.repeat(1e6)],
    ['the function show', show],
    ['the function (anonymous)', () => 0],
    ['{"toJSON":1}', { toJSON: 1 }],
    ['"\\u001b[2J\\u007f\\u009b\\u202e"', '\u001b[2J\u007f\u009b\u202e'],
    [
      'the function \\u001b[2J\\n'.replace('\\n', '\\u000a'),
      Object.defineProperty(() => 0, 'name', { value: '\u001b[2J\n' }),
    ],
    ['Symbol(\\u001b)', Symbol('\u001b')],
    ['{"\\u009b":1}', { '\u009b': 1 }],
  ])('shows %s', (expected, value) => {
    expect(show(value)).toBe(expected);
  });

  test('shows the dtype and shape of a tensor, also inside a list', () => {
    expect(show([tf.zeros([2, 3], 'int32')])).toBe('[a int32 tensor of shape [2,3]]');
  });

  test.each(HOSTILE)('shows %s in few characters', (_, value) => {
    expect(typeof show(value())).toBe('string');
    expect(show(value()).length).toBeLessThan(1000);
  });
});
