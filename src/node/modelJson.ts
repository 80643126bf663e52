/**
 * model.json: the format of tfjs-layers, with the lengths and hashes of the files of weights, and a hash of model.json
 * itself (its seal). All values are checked before they are used.
 */
import { isUtf8 } from 'node:buffer';
import { isAbsolute, win32 } from 'node:path';
import type { io } from '@tensorflow/tfjs-core';
import { entriesOf, fail, show } from '../checks.js';
import { FilePart } from '../training/saving/filePart.js';
import { isInherited } from '../training/saving/json.js';
import { sha256 } from './files.js';

/** A group of the manifest: files whose concatenation holds the values of some weights. */
interface WeightsGroup {
  files: WeightsFile[];
  weights: io.WeightsManifestEntry[];
  /** The number of bytes that the weights take. */
  bytes: number;
}

export interface WeightsFile {
  path: string;
  /** The recorded length; null for a file that another program wrote. */
  bytes: number | null;
  sha256: string | null;
}

export interface CheckedModel {
  json: io.ModelJSON;
  groups: WeightsGroup[];
  /** The sha256 of the file, which identifies the model. */
  id: string;
  /** True if the file has a seal (which then matches). */
  sealed: boolean;
}

/**
 * The seal: the first field that modelFiles writes, and the last, which is the hash of all bytes before it. A file that
 * has one of the two must have both, so that a file with a damaged hash is not mistaken for one without a hash.
 */
const SEALED = { checked: 'sha256' };
const HEAD = Buffer.from('{"checked":"sha256",');
const TAIL = /^,"sha256":"([0-9a-f]{64})"\}$/;
const TAIL_LENGTH = 77;

/** The largest depth of nesting. */
const DEEPEST = 500;
/** The largest length of a string in V8. */
export const LONGEST = 2 ** 29 - 25;
const BYTES: Readonly<Record<string, number>> = { float32: 4, int32: 4, bool: 1, complex64: 8 };
const QUANTIZED: Readonly<Record<string, number>> = { uint8: 1, uint16: 2, float16: 2 };

/** The text of a sealed model.json. */
export function sealedText(path: string, model: io.ModelJSON): Buffer {
  const text = JSON.stringify({ ...SEALED, ...model });
  checkModel(new FilePart(`cannot write ${path}: `, 'model', model));
  const body = Buffer.from(text.slice(0, -1));
  return Buffer.concat([body, Buffer.from(`,"sha256":"${sha256(body)}"}`)]);
}

/**
 * @throws if these are not the bytes of a model.json, or if the seal does not match
 */
export function parseModelJson(path: string, given: Buffer): CheckedModel {
  const bytes = withoutEnds(given);
  const sealed = checkSeal(path, bytes);
  const part = new FilePart(`${path} is damaged, or not a model of tfjs-layers: `, 'model', parse(path, bytes));
  if (!sealed && ['checked', 'sha256'].some((name) => part.field(name).isGiven)) refuseSeal(path, 'other bytes');
  const groups = checkModel(part);
  return { json: part.value as io.ModelJSON, groups, id: sha256(given), sealed };
}

const BOM = Buffer.from([0xef, 0xbb, 0xbf]);

/** Removes a byte order mark, and the line breaks and spaces that editors add at the end. */
function withoutEnds(bytes: Buffer): Buffer {
  const begin = bytes.subarray(0, BOM.length).equals(BOM) ? BOM.length : 0;
  let end = bytes.length;
  while (end > begin && [0x20, 0x09, 0x0a, 0x0d].includes(bytes[end - 1]!)) end--;
  return bytes.subarray(begin, end);
}

function parse(path: string, bytes: Buffer): unknown {
  if (!isUtf8(bytes)) fail(`${path} is damaged: it is not UTF-8`);
  try {
    return JSON.parse(bytes.toString('utf8')) as unknown;
  } catch (error) {
    return fail(`${path} is damaged: it is not JSON (${(error as Error).message})`);
  }
}

function checkSeal(path: string, bytes: Buffer): boolean {
  const body = bytes.subarray(0, Math.max(0, bytes.length - TAIL_LENGTH));
  const [, expected] = TAIL.exec(bytes.subarray(body.length).toString('latin1')) ?? [];
  const head = bytes.subarray(0, HEAD.length).equals(HEAD);
  if (!head && expected === undefined) {
    if (bytes.length < HEAD.length && HEAD.indexOf(bytes) === 0) fail(`${path} is damaged: ${cutOff(bytes)}`);
    return false;
  }
  if (expected === undefined) {
    refuseSeal(path, `no sha256 at its end: ${cutOff(bytes)}, or its end was changed`);
  }
  if (!head) refuseSeal(path, 'a sha256 at its end, but does not begin with "checked"');
  const actual = sha256(body);
  if (actual !== expected) refuseSeal(path, `the sha256 ${actual}, but was written with ${expected}`);
  return true;
}

const cutOff = (bytes: Buffer): string =>
  bytes.length === 0 ? 'it is empty' : `it was cut off after ${bytes.length} bytes`;

const refuseSeal = (path: string, has: string): never =>
  fail(`${path} is damaged: it has ${has} (if it was changed on purpose, remove its fields "checked" and "sha256")`);

function checkModel(model: FilePart): WeightsGroup[] {
  model.entries();
  const [topology, training, metadata] = ['modelTopology', 'trainingConfig', 'userDefinedMetadata'].map((name) =>
    model.field(name),
  ) as [FilePart, FilePart, FilePart];
  checkTree(model, [topology, training]);
  topology.entries();
  if (model.field('format').value !== 'graph-model') checkLayers(topology);
  if (training.value != null) checkTraining(training);
  if (metadata.value != null) metadata.entries();
  return checkManifest(model.field('weightsManifest'));
}

/**
 * Limits the depth, because recursive code relies on that, and refuses names of properties that every object has in
 * those parts where tfjs looks names up.
 */
function checkTree(model: FilePart, lookedUp: readonly FilePart[]): void {
  const names = new Set(lookedUp.map(({ value }) => value));
  const open: [part: FilePart, depth: number, lookedUp: boolean][] = [[model, 0, false]];
  for (let next = open.pop(); next; next = open.pop()) {
    const [part, depth, inNames] = next;
    const { value } = part;
    if (inNames && typeof value === 'string' && isInherited(value)) {
      part.refuse('must not be a name that every object has; give it another one');
    }
    if (typeof value !== 'object' || value === null) continue;
    if (depth > DEEPEST) model.refuse(`must not be nested more than ${DEEPEST} deep`);
    const inside = inNames || names.has(value);
    for (const [key, each] of Object.entries(value)) {
      if (key === '__proto__' || (inside && isInherited(key))) part.refuse(`must not have the key ${key}`);
      if (typeof each === 'object' || typeof each === 'string') {
        open.push([part.inside(entriesOf(value) ? `[${key}]` : `.${key}`, each), depth + 1, inside]);
      }
    }
  }
}

function checkLayers(topology: FilePart): void {
  const config = topology.field('model_config');
  const model = config.value == null ? topology : config;
  model.field('class_name').name();
  if (typeof model.field('config').value !== 'object') model.field('config').refuse('must be an object or a list');
}

/** Checks the part with which tfjs-layers compiles the model when it loads it. */
function checkTraining(training: FilePart): void {
  const optimizer = training.field('optimizer_config');
  optimizer.field('class_name').name();
  optimizer.field('config').entries();
  for (const name of ['loss', 'metrics']) {
    const form = training.field(name);
    if (form.value != null) checkNames(form);
  }
}

/** Checks a name, or a list or an object of names. */
function checkNames(part: FilePart): void {
  const { value } = part;
  if (typeof value === 'object' && value !== null) {
    const inside = entriesOf(value) ? part.list() : [...part.entries().values()];
    inside.forEach(checkNames);
  } else part.name();
}

function checkManifest(manifest: FilePart): WeightsGroup[] {
  const groups = manifest.list().map(checkGroup);
  checkOnce(manifest, 'file', groups.flatMap(({ files }) => files.map(({ path }) => path))); // prettier-ignore
  checkOnce(manifest, 'weight', groups.flatMap(({ weights }) => weights.map(({ name }) => name))); // prettier-ignore
  return groups;
}

function checkOnce(manifest: FilePart, what: string, names: readonly string[]): void {
  const seen = new Set<string>();
  for (const name of names) {
    if (seen.has(name)) manifest.refuse(`must not name the ${what} ${show(name)} twice`);
    seen.add(name);
  }
}

function checkGroup(group: FilePart): WeightsGroup {
  const paths = group.field('paths').list().map(checkPath);
  const sizes = group.field('weights').list().map(checkWeight);
  const total = sizes.reduce((sum, size) => sum + size, 0);
  if (!Number.isSafeInteger(total)) group.refuse('must not be larger than any disk');
  const [bytes, hashes] = [group.field('bytes'), group.field('sha256')];
  if (!bytes.isGiven && !hashes.isGiven) {
    const files = paths.map((path) => ({ path, bytes: null, sha256: null }));
    return { files, weights: group.field('weights').value as io.WeightsManifestEntry[], bytes: total };
  }
  const lengths = bytes.list().map((length) => length.integer(0, Number.MAX_SAFE_INTEGER)); // prettier-ignore
  const sha256s = hashes.list().map(checkHash);
  if (lengths.length !== paths.length || sha256s.length !== paths.length) {
    group.refuse('must have bytes and sha256 for each of its paths');
  }
  const files = paths.map((path, i) => ({ path, bytes: lengths[i]!, sha256: sha256s[i]! }));
  return { files, weights: group.field('weights').value as io.WeightsManifestEntry[], bytes: total };
}

function checkHash(part: FilePart): string {
  return /^[0-9a-f]{64}$/.test(part.string()) ? part.string() : part.refuse('must be 64 hexadecimal digits');
}

/** Checks the path of a file in the folder, or in folders inside it. */
function checkPath(part: FilePart): string {
  const path = part.string();
  const out = isAbsolute(path) || win32.isAbsolute(path) || path.split(/[/\\]/).includes('..');
  if (path === '' || path.includes('\0') || out) part.refuse('must be the path of a file in the folder');
  return path;
}

/** The number of bytes that a weight takes. */
function checkWeight(weight: FilePart): number {
  weight.field('name').name();
  const group = weight.field('group');
  if (group.isGiven && group.value !== 'model' && group.value !== 'optimizer') {
    group.refuse("must be 'model' or 'optimizer'");
  }
  const shape = weight.field('shape').list().map((size) => size.integer(0, Number.MAX_SAFE_INTEGER)); // prettier-ignore
  const size = shape.reduce((product, length) => product * length, 1);
  const dtype = weight.field('dtype').string();
  if (!Object.hasOwn(BYTES, dtype)) {
    const known = Object.keys(BYTES).join(', ');
    weight.field('dtype').refuse(`must be ${known} (strings, which graph models may have, are not read)`);
  }
  const quantization = weight.field('quantization');
  const bytes = size * (quantization.isGiven ? checkQuantization(quantization, dtype) : BYTES[dtype]!);
  return Number.isSafeInteger(bytes) ? bytes : weight.field('shape').refuse('must not be larger than any disk');
}

function checkQuantization(quantization: FilePart, dtype: string): number {
  const kind = quantization.field('dtype').string();
  if (!Object.hasOwn(QUANTIZED, kind)) quantization.refuse(`must be of ${Object.keys(QUANTIZED).join(', ')}`);
  if (dtype !== 'float32' && (dtype !== 'int32' || kind === 'float16')) quantization.refuse(`must fit ${dtype}`);
  if (kind !== 'float16') for (const name of ['scale', 'min']) quantization.field(name).finite();
  return QUANTIZED[kind]!;
}
