// The same logits and labels for every contender: raw little-endian files in a folder, from a seeded generator.
import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileName, sizeOf } from './cases.js';

/** Uniform numbers in (0, 1), by mulberry32. */
function generator(seed) {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let x = Math.imul(state ^ (state >>> 15), state | 1);
    x ^= x + Math.imul(x ^ (x >>> 7), x | 61);
    return (((x ^ (x >>> 14)) >>> 0) + 0.5) / 2 ** 32;
  };
}

function normals(count, deviation, random) {
  const values = new Float32Array(count);
  for (let i = 0; i < count; i += 2) {
    const radius = deviation * Math.sqrt(-2 * Math.log(random()));
    const angle = 2 * Math.PI * random();
    values[i] = radius * Math.cos(angle);
    values[i + 1] = radius * Math.sin(angle); // with an odd count, the last write is past the end and has no effect
  }
  return values;
}

/** Turns values into probabilities in place: softmax over each run of `classes` values, or sigmoid for one class. */
function toProbabilities(values, classes) {
  for (let start = 0; start < values.length; start += classes) {
    let sum = classes === 1 ? 1 : 0;
    for (let i = start; i < start + classes; i++) sum += values[i] = Math.exp(values[i]);
    for (let i = start; i < start + classes; i++) values[i] /= sum;
  }
  return values;
}

function make(shape) {
  const classes = shape.at(-1);
  const count = sizeOf(shape);
  const random = generator(count);
  const indices = new Int32Array(count / classes);
  for (let i = 0; i < indices.length; i++) indices[i] = random() * Math.max(classes, 2);
  return {
    logits: normals(count, 1, random),
    soft: toProbabilities(normals(count, 2, random), classes),
    indices,
  };
}

const pathOf = (folder, shape, name) => join(folder, `${fileName(shape)}.${name}`);

/** Writes logits, soft labels and class indices of a shape, unless they exist. */
export function writeData(folder, shape) {
  if (existsSync(pathOf(folder, shape, 'indices'))) return;
  for (const [name, values] of Object.entries(make(shape))) {
    const path = pathOf(folder, shape, name);
    writeFileSync(`${path}.part`, values);
    renameSync(`${path}.part`, path);
  }
}

/** Reads one of 'logits', 'soft' (Float32Array) and 'indices' (Int32Array). */
export function readData(folder, shape, name) {
  const { buffer, byteOffset, byteLength } = readFileSync(pathOf(folder, shape, name));
  const bytes = byteOffset % 4 ? buffer.slice(byteOffset, byteOffset + byteLength) : buffer;
  const Values = name === 'indices' ? Int32Array : Float32Array;
  return new Values(bytes, byteOffset % 4 ? 0 : byteOffset, byteLength / 4);
}
