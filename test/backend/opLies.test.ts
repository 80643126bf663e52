/**
 * TensorFlow's op is called with attributes, parameters and tensors that do not fit together, and answers each with an
 * error that names the op, the rule and the values. test/native does the same at random, under AddressSanitizer.
 */
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { makeProject, provisionedCache, type Project } from './project.js';

// The test starts a process, possibly on a busy machine.
jest.setTimeout(60_000);

interface Tensor {
  shape: number[];
  dtype: 'float32' | 'int32' | 'bool';
}

/** A call of one of the ops, with tensors full of ones. */
interface Call {
  op: string;
  pass: number[];
  labels: Tensor;
  predictions: Tensor;
  weights: Tensor;
  parameters: number[];
  /** For gradients only. */
  dy?: Tensor;
  /** Replaces the attributes that `pass` stands for. */
  attributes?: { name: string; type: 'TF_ATTR_INT' | 'TF_ATTR_FLOAT' | 'TF_ATTR_TYPE'; value: unknown }[];
  /** The inputs to pass on, by position. */
  inputs?: number[];
}

type Lie = [title: string, call: Call, message: RegExp];

const float = (...shape: number[]): Tensor => ({ shape, dtype: 'float32' });

const [N, P, C] = [2, 4, 3];
const truth: Record<string, Call> = {
  SoftsegSums: call('SoftsegSums', 7, []),
  SoftsegSumsGradient: call('SoftsegSumsGradient', 7, [], float(3, N, C)),
  SoftsegEntropyMap: call('SoftsegEntropyMap', 0, [1, 2, 3]),
  SoftsegEntropyMapGradient: call('SoftsegEntropyMapGradient', 0, [1, 2, 3], float(N, P)),
};

function call(op: string, sums: number, coefficients: number[], dy?: Tensor): Call {
  const soft = float(N, P, C);
  const common = { op, labels: soft, predictions: soft, weights: float(N, P, 1) };
  const pass = [0, 0, 0, 0, 0, 0, sums, 0];
  return { ...common, pass, parameters: [N, C, 1, 0, ...coefficients], ...(dy && { dy }) };
}

/** The attributes by position, with the largest allowed value of each. tfjs-node makes all of them int32. */
const attributes: [what: string, place: number, most: (op: string) => number][] = [
  ['the activation', 0, () => 2],
  ['the flag for class indices', 1, () => 1],
  ['the flag for classes first', 2, () => 1],
  ['the kind of entropy', 3, () => 1],
  ['the flag for subtracting the entropy', 4, () => 1],
  ['the flag for weights of positives', 5, () => 1],
  ['the bits of the sums', 6, (op) => (op.includes('Map') ? 0 : 511)],
  ['the flag for the gradient by labels', 7, (op) => (op.includes('Gradient') ? 1 : 0)],
];

const lies: Lie[] = [];
for (const [op, told] of Object.entries(truth)) {
  const says = (rule: string) => new RegExp(`^${op}: ${rule}`);
  const tell = (title: string, change: Partial<Call>, message: RegExp) =>
    lies.push([`${op}, ${title}`, { ...told, ...change }, message]);

  for (const [what, place, most] of attributes) {
    for (const value of [-1, most(op) + 1, 2 ** 31 - 1, -(2 ** 31)]) {
      const pass = told.pass.with(place, value);
      const message = says(`in pass, ${what} must be from [01] to ${most(op)}; got ${value}$`);
      tell(`${what} = ${value}`, { pass }, message);
    }
  }
  if (!op.includes('Map')) {
    tell(
      'no sums',
      { pass: told.pass.with(6, 0) },
      says('in pass, the bits of the sums must be from 1 to 511; got 0$'),
    );
  }
  const gradientOfIndices = told.pass.with(1, 1).with(7, 1);
  tell(
    'a gradient to indices',
    { pass: gradientOfIndices },
    says('in pass, the flag for the gradient by labels must be from 0 to 0'),
  );
  for (const length of [0, 1, 7, 9, 1000]) {
    const pass = Array.from({ length }, (_, i) => told.pass[i] ?? 0);
    tell(`pass of ${length} values`, { pass }, says(`pass must have 8 values; got ${length}$`));
  }
  tell('no attribute', { attributes: [] }, /'pass'/);
  const pass = { name: 'pass', type: 'TF_ATTR_INT', value: told.pass } as const;
  tell('pass of one number', { attributes: [{ ...pass, value: 7 }] }, /pass/);
  tell('pass of floats', { attributes: [{ ...pass, type: 'TF_ATTR_FLOAT' }] }, /pass/);

  // Inputs of another size and the same rank.
  const others = (shape: number[]) => [0, 1, 2, 5, 100].map((size) => [...shape.slice(0, -1), size]);
  for (const shape of others([N, P, C])) {
    if (shape[2] === C) continue;
    tell(
      `labels [${shape.join()}]`,
      { labels: float(...shape) },
      says('labels must hold as many values as predictions; got'),
    );
    for (const dtype of ['int32', 'bool'] as const)
      tell(`labels [${shape.join()}] ${dtype}`, { labels: { shape, dtype } }, says('labels must hold as many values'));
    const fits = (N * P * shape[2]!) % (N * C) === 0;
    tell(
      `predictions [${shape.join()}]`,
      { predictions: float(...shape) },
      says(fits ? 'labels must hold as many values' : 'predictions must hold samples x pixels x classes values; got'),
    );
  }
  for (const shape of [[N, P + 1], [N, P, C], [1], [1, P]]) {
    const labels: Tensor = { shape, dtype: 'int32' };
    tell(
      `indices [${shape.join()}]`,
      { pass: told.pass.with(1, 1), labels },
      says('labels must hold one class index per pixel'),
    );
  }
  for (const dtype of ['float32', 'bool'] as const) {
    const labels: Tensor = { shape: [N, P], dtype };
    const said = dtype === 'bool' ? 'bool' : 'float';
    tell(`indices ${dtype}`, { pass: told.pass.with(1, 1), labels }, says(`class indices must be int32; got ${said}$`));
  }
  for (const shape of [[1], [N, P - 1], [N, P + 1], [P], [N, P, C]])
    tell(
      `weights [${shape.join()}]`,
      { weights: float(...shape) },
      says('weights must hold one value per pixel, or none; got'),
    );

  // The first two parameters are the numbers of samples and of classes.
  const withHead = (place: number, value: number) => told.parameters.with(place, value);
  for (const value of [-1, NaN, Infinity, -Infinity, 1.5, 2 ** 25, 3e38])
    for (const place of [0, 1])
      tell(
        `parameter ${place} = ${value}`,
        { parameters: withHead(place, value) },
        says('samples and classes must be whole numbers up to 2\\^24'),
      );
  tell(
    'no classes',
    { parameters: withHead(1, 0) },
    says('samples and classes must be whole numbers up to 2\\^24, classes at least 1'),
  );
  tell('5 samples', { parameters: withHead(0, 5) }, says('predictions must hold samples x pixels x classes'));
  tell('0 samples', { parameters: withHead(0, 0) }, says('predictions must hold samples x pixels x classes'));
  // A map has a coefficient for each class, so it first finds their number wrong.
  const otherClasses = says(
    op.includes('Map') ? 'parameters must be' : 'predictions must hold samples x pixels x classes',
  );
  for (const classes of [5, 2 ** 24]) tell(`${classes} classes`, { parameters: withHead(1, classes) }, otherClasses);
  for (const count of [0, 3]) {
    const parameters = told.parameters.slice(0, count);
    tell(
      `${count} parameters`,
      { parameters },
      says(`parameters must begin with samples, classes, .*; got ${count} values$`),
    );
  }
  const { length } = told.parameters;
  tell(
    'a parameter more',
    { parameters: [...told.parameters, 1] },
    says(`parameters must be ${length} values for 3 classes`),
  );
  for (const given of [0, C - 1, C + 1]) {
    const parameters = [...told.parameters, ...Array<number>(given).fill(1)];
    const message = says(`parameters must be ${length + C} values for 3 classes; got ${length + given}$`);
    tell(`weights of ${given} positives`, { pass: told.pass.with(5, 1), parameters }, message);
  }
  if (op.includes('Map')) {
    const parameters = told.parameters.slice(0, -1);
    tell('a coefficient less', { parameters }, says('parameters must be 7 values for 3 classes; got 6$'));
  }

  if (told.dy) {
    const size = told.dy.shape;
    const wanted = `dy must be \\[.*\\] = \\[${size.join(', ')}\\]; got`;
    const shapes = [[], [0], [size.reduce((a, b) => a * b)], [...size].reverse(), [...size, 1], [1, ...size]];
    for (const shape of [...shapes, ...others(size).filter((shape) => shape.at(-1) !== size.at(-1))]) {
      // [3,2,3] reversed is still the same shape.
      if (shape.join() === size.join()) continue;
      tell(`dy [${shape.join()}]`, { dy: float(...shape) }, says(`${wanted} \\[${shape.join(', ')}\\]$`));
    }
  }

  // TensorFlow itself checks the number of inputs and their types. (An extra input ends the process, not in the op but
  // in TensorFlow; its own MatMul does the same.)
  const count = told.dy ? 5 : 4;
  for (const length of [0, 1, count - 1])
    tell(
      `${length} inputs`,
      { inputs: [...Array(length).keys()] },
      length === 0 ? /No attr named 'T'/ : new RegExp(`expected ${count} inputs, got ${length}$`),
    );
  for (const input of ['predictions', 'weights', ...(told.dy ? (['dy'] as const) : [])] as const)
    for (const dtype of ['int32', 'bool'] as const)
      tell(
        `${input} ${dtype}`,
        { [input]: { ...told[input as 'predictions'], dtype } },
        /expected to be a float tensor/,
      );
}

/** A valid call without samples or without pixels. */
const empty = (op: string, shape: number[], dy?: number[]): Call => {
  const told = truth[op]!;
  const values = float(...shape);
  const tensors = { labels: values, predictions: values, weights: float(0), ...(dy && { dy: float(...dy) }) };
  return { ...told, ...tensors, parameters: told.parameters.with(0, shape[0]!) };
};
const truths: [title: string, call: Call, gives: number[]][] = [
  ['sums', truth['SoftsegSums']!, [3, N, C]],
  ['gradient of sums', truth['SoftsegSumsGradient']!, [N, P, C]],
  ['map', truth['SoftsegEntropyMap']!, [N, P]],
  ['gradient of a map', truth['SoftsegEntropyMapGradient']!, [N, P, C]],
  ['sums of no samples', empty('SoftsegSums', [0, P, C]), [3, 0, C]],
  ['sums of no pixels', empty('SoftsegSums', [N, 0, C]), [3, N, C]],
  ['map of no samples', empty('SoftsegEntropyMap', [0, P, C]), [0, P]],
  ['map of no pixels', empty('SoftsegEntropyMap', [N, 0, C]), [N, 0]],
  ['gradient of no samples', empty('SoftsegSumsGradient', [0, P, C], [3, 0, C]), [0, P, C]],
  ['gradient of no pixels', empty('SoftsegSumsGradient', [N, 0, C], [3, N, C]), [N, 0, C]],
  ['gradient of a map of no samples', empty('SoftsegEntropyMapGradient', [0, P, C], [0, P]), [0, P, C]],
  ['gradient of a map of no pixels', empty('SoftsegEntropyMapGradient', [N, 0, C], [N, 0]), [N, 0, C]],
];

let project: Project;
beforeAll(() => {
  if (!provisionedCache()) throw new Error('the cache does not hold the library: run `npm run provision`');
  project = makeProject(['@tensorflow/tfjs-core', '@tensorflow/tfjs', '@tensorflow/tfjs-node']);
});
afterAll(() => project.remove());

/** The error of each call, or the shape of its result. Throws with the title of a call that ended the process. */
function answers(calls: (readonly [title: string, call: Call])[]): string[] {
  // The list is too long for a command line.
  writeFileSync(join(project.folder, 'calls.json'), JSON.stringify(calls, replacer));
  const { out, err, code } = project.script(
    `
    import { readFileSync } from 'node:fs';
    import { load } from 'softseg/node';
    import * as tf from '@tensorflow/tfjs-core';
    const { kernels, reasons } = await load('native');
    if (kernels !== 'fused native') throw new Error(reasons.join('; '));
    const backend = tf.backend();
    const calls = JSON.parse(readFileSync('calls.json', 'utf8'), (_, value) =>
      value === 'NaN' || value === 'Infinity' || value === '-Infinity' ? Number(value) : value);
    const ones = ({ shape, dtype }) => tf.ones(shape, dtype);
    const said = calls.map(([title, call]) => {
      console.error('at work: ' + title);
      const attributes = (call.attributes ?? [{ name: 'pass', type: 'TF_ATTR_INT', value: call.pass }]).map(
        (attribute) => ({ ...attribute, type: backend.binding[attribute.type] }));
      const parameters = tf.tensor1d(call.parameters, 'float32');
      const dy = call.dy ? [ones(call.dy)] : [];
      const all = [ones(call.labels), ones(call.predictions), ones(call.weights), parameters, ...dy];
      const inputs = call.inputs ? call.inputs.map((i) => all[i]) : all;
      try {
        return 'gave ' + backend.executeSingleOutput(call.op, attributes, inputs).shape;
      } catch (error) {
        return error.message.replace(/^.*Message: /s, '');
      }
    });
    console.log(JSON.stringify(said));
    `,
    { SOFTSEG_CACHE: provisionedCache() },
  );
  if (code !== 0) throw new Error(`it ended with ${code ?? 'a signal'}:\n${err.slice(-1500)}`);
  return JSON.parse(out) as string[];
}

/** JSON cannot express these numbers. */
const replacer = (_: string, value: unknown) =>
  typeof value === 'number' && !Number.isFinite(value) ? String(value) : value;

describe("softseg's op", () => {
  test('answers each invalid call with an error that names the rule', () => {
    const said = answers(lies.map(([title, call]) => [title, call] as const));
    expect(said).toHaveLength(lies.length);
    const wrong = lies.flatMap(([title, , message], i) => (message.test(said[i]!) ? [] : [`${title}: ${said[i]}`]));
    expect(wrong).toEqual([]);
  });

  test('accepts valid calls, also without samples or pixels', () => {
    const said = answers(truths.map(([title, call]) => [title, call] as const));
    expect(said).toEqual(truths.map(([, , shape]) => `gave ${shape.join()}`));
  });
});
