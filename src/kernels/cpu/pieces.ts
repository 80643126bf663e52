/** Divides a request into pieces, and copies the values of each into and out of a machine's memory. */
import type { TensorInfo } from '@tensorflow/tfjs-core';
import {
  aligned,
  isList,
  labelBytes,
  PASS_BYTES,
  sumCount,
  writeFactors,
  writePass,
  writeSums,
  type Request,
} from '../module/request.js';
import { SLOTS } from './helper.js';
import { FREE_FROM, reserve, type Job, type Machine } from './machine.js';

export type StoredValues = Float32Array | Int32Array | Uint8Array | readonly number[];
type ReadStored = (tensor: TensorInfo) => StoredValues;

/** Values per tensor in a piece; few enough that the whole piece stays in the cache of one core. */
const pieceValues = 16_384;
/** Values of a large job; smaller jobs finish before a second thread wakes. */
const largeValues = 65_536;
const mostSlotBytes = 1 << 22;

/** Makes a job of a request, whose result goes to `output`, and makes the machine's memory large enough for it. */
export function jobOf(machine: Machine, request: Request, valuesOf: ReadStored, output: Float32Array): Job {
  const { operation, inputs, pass, factors, wrt } = request;
  const { samples, pixels, classes, classesFirst, labelKind, entropy } = pass;
  const indices = labelKind === 'indices';
  const predictions = valuesOf(inputs.predictions);
  const labels = valuesOf(inputs.labels);
  const weights = inputs.weights && valuesOf(inputs.weights);
  const pixelDy = request.pixelDy && valuesOf(request.pixelDy);
  const dy = factors && !isList(factors) ? valuesOf(factors) : [];

  const count = sumCount(request) * classes;
  const piecePixels = Math.max(1, Math.min(pixels, goodPixels(classes)));
  const perSample = Math.ceil(pixels / piecePixels);
  const resultBytes = {
    overlapSums: 8 * count,
    entropyMap: 4 * piecePixels,
    overlapGradient: 4 * piecePixels * classes,
  };

  let slotBytes = 0;
  const part = (bytes: number): number => {
    const at = slotBytes;
    slotBytes += aligned(bytes);
    return at;
  };
  const place = {
    pass: part(PASS_BYTES),
    posWeight: part(4 * classes),
    factors: part(4 * count),
    predictions: part(4 * piecePixels * classes),
    labels: part(labelBytes(labelKind) * piecePixels * (indices ? 1 : classes)),
    weights: part(weights ? 4 * piecePixels : 0),
    pixelDy: part(pixelDy ? 4 * piecePixels : 0),
    result: part(resultBytes[operation]),
  };

  // `scratchBytes` needs a `Pass`, which is written to a place that is free now.
  writePass(machine.memory.buffer, FREE_FROM, request, 1, 0);
  const scratchBytes = aligned(machine.functions.scratchBytes(FREE_FROM));
  const large = samples * pixels * classes >= largeValues && slotBytes <= mostSlotBytes;
  const firstSlot = FREE_FROM + 2 * scratchBytes;
  reserve(machine, firstSlot + (large ? SLOTS : 1) * slotBytes);

  const { buffer } = machine.memory;
  const floats = new Float32Array(buffer);
  const labelView =
    labelKind === 'bool' ? new Uint8Array(buffer) : labelKind === 'float32' ? floats : new Int32Array(buffer);
  const totals = new Float64Array(count);

  const placeOf = (piece: number) => {
    const sample = Math.floor(piece / perSample);
    const first = (piece % perSample) * piecePixels;
    return { sample, first, size: Math.min(piecePixels, pixels - first) };
  };
  /**
   * Calls `copy` for each contiguous run of a piece's values, in tensors with a value for each class: with its start in
   * the tensor, its start in the slot, and its length.
   */
  const forRuns = (piece: number, copy: (inTensor: number, inSlot: number, length: number) => void): void => {
    const { sample, first, size } = placeOf(piece);
    if (!classesFirst) return copy((sample * pixels + first) * classes, 0, size * classes);
    for (let c = 0; c < classes; c++) copy((sample * classes + c) * pixels + first, c * size, size);
  };

  return {
    operation,
    pieces: samples * perSample,
    large,
    scratch: FREE_FROM,
    helperScratch: FREE_FROM + scratchBytes,

    fill(piece, slot) {
      const { sample, first, size } = placeOf(piece);
      const at = firstSlot + slot * slotBytes;
      const pixel = sample * pixels + first;
      const posWeightAt = entropy.posWeight ? at + place.posWeight : 0;
      writePass(buffer, at + place.pass, request, classesFirst ? size : 1, posWeightAt);
      if (entropy.posWeight) floats.set(entropy.posWeight, posWeightAt / 4);
      if (factors) {
        const factorsAt = (at + place.factors) / 4;
        writeFactors(floats.subarray(factorsAt, factorsAt + count), request, sample, dy);
      }
      forRuns(piece, (inTensor, inSlot, length) =>
        copyIn(floats, (at + place.predictions) / 4 + inSlot, predictions, inTensor, length),
      );
      const labelsAt = (at + place.labels) / labelView.BYTES_PER_ELEMENT;
      if (indices) copyIn(labelView, labelsAt, labels, pixel, size);
      else forRuns(piece, (inTensor, inSlot, length) => copyIn(labelView, labelsAt + inSlot, labels, inTensor, length));
      if (weights) copyIn(floats, (at + place.weights) / 4, weights, pixel, size);
      if (pixelDy) copyIn(floats, (at + place.pixelDy) / 4, pixelDy, pixel, size);

      const tensors = [at + place.predictions, at + place.labels, weights ? at + place.weights : 0];
      const result = at + place.result;
      if (operation === 'overlapSums') return [at, ...tensors, 0, size, result];
      if (operation === 'entropyMap') return [at, ...tensors, at + place.factors, 0, size, result];
      return [at, wrt, ...tensors, at + place.factors, pixelDy ? at + place.pixelDy : 0, 0, size, result];
    },

    collect(piece, slot) {
      const { sample, first, size } = placeOf(piece);
      const at = firstSlot + slot * slotBytes + place.result;
      if (operation === 'overlapSums') {
        const sums = new Float64Array(buffer, at, count);
        if (first === 0) totals.fill(0);
        for (let i = 0; i < count; i++) totals[i]! += sums[i]!;
        if (first + size === pixels) writeSums(output, request, sample, totals);
      } else if (operation === 'entropyMap') {
        output.set(floats.subarray(at / 4, at / 4 + size), sample * pixels + first);
      } else {
        forRuns(piece, (inTensor, inSlot, length) =>
          output.set(floats.subarray(at / 4 + inSlot, at / 4 + inSlot + length), inTensor),
        );
      }
    },
  };
}

/** The number of pixels in a piece, a multiple of the pixels in a tile of the passes (see native/tile.h). */
function goodPixels(classes: number): number {
  const most = pieceValues / classes;
  const row = most < 64 ? 16 : 64;
  return Math.max(row, Math.min(4096, Math.floor(most / row) * row));
}

function copyIn(
  to: Float32Array | Int32Array | Uint8Array,
  at: number,
  from: StoredValues,
  first: number,
  length: number,
): void {
  const end = first + length;
  to.set('subarray' in from ? from.subarray(first, end) : from.slice(first, end), at);
}
