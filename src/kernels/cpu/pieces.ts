/** A request in pieces, and what goes in and out of a machine's memory for each. */
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

/** So many values of each tensor in a piece that all of it stays in the cache of one core. */
const pieceValues = 16_384;
/** Fewer are done before a second thread has woken up. */
const largeValues = 65_536;
const mostSlotBytes = 1 << 22;

/** The pieces of a request, whose result goes to `output`. Makes the machine's memory large enough. */
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

  // Any place will do for a Pass to ask about.
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
  /** Calls `copy` with each run of values of a piece that has one for each class: where in the tensor, and in the slot. */
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

/** Pixels of a piece, in whole rows of the passes' tiles. */
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
