import { describe, expect, test } from '@jest/globals';
import { cosineSchedule, exponentialSchedule, linearSchedule } from '../../src/training/index.js';
import * as reference from '../reference/index.js';

describe.each([
  ['linearSchedule', linearSchedule, reference.linearSchedule],
  ['exponentialSchedule', exponentialSchedule, reference.exponentialSchedule],
  ['cosineSchedule', cosineSchedule, reference.cosineSchedule],
] as const)('%s', (name, schedule, expected) => {
  test.each([
    { from: 1, to: 8, steps: 10 },
    { from: 4, to: 0.25, steps: 7.5 },
  ])('equals the oracle, also before the start and after the end: %j', (options) => {
    for (const step of [-3, 0, 0.5, 1, 3.75, 7.4, 7.5, 10, 11, 1e9]) {
      expect(schedule(options)(step)).toBeCloseTo(expected(options)(step), 12);
    }
    expect(schedule(options)(0)).toBe(options.from);
    expect(schedule(options)(options.steps)).toBe(options.to);
  });

  test('refuses invalid arguments', () => {
    expect(() => schedule({ from: 1, to: 2, steps: 0 })).toThrow(`${name}: steps must be a number > 0, got 0`);
    expect(() => schedule({ from: NaN, to: 2, steps: 1 })).toThrow(`${name}: from must be`);
    expect(() => schedule({ from: 1, to: 2, steps: 1, power: 1 } as never)).toThrow(`${name}: unknown option 'power'`);
    expect(() => schedule({ from: 1, to: 2, steps: 1 })(NaN)).toThrow(`${name}: step must be a finite number, got NaN`);
  });
});

test('exponentialSchedule needs values above 0', () => {
  expect(() => exponentialSchedule({ from: 0, to: 2, steps: 1 })).toThrow('from must be a number > 0, got 0');
  expect(() => exponentialSchedule({ from: 1, to: -2, steps: 1 })).toThrow('to must be a number > 0, got -2');
});
