import { expect, test } from '@jest/globals';
import { asCode } from '../call.js';
import { check } from '../check.js';
import { disposeInstances } from '../instances.js';
import { SUBJECTS } from '../subjects/index.js';
import { CALLS } from './calls.js';

test.each(CALLS.map((call, i) => ({ i, code: asCode(call).slice(0, 160), call })))('$i: $code', async ({ call }) => {
  const subject = SUBJECTS.find(({ fn }) => fn === call.fn);
  expect(subject).toBeDefined();
  try {
    await check(subject!, call);
  } finally {
    disposeInstances();
  }
});
