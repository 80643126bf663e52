/** Pairs of calls that must give the same result: the order of a list, or of a batch, does not matter. */
import { sizeOf, type NdArray } from '../reference/index.js';
import { isCallback, isPlainObject, isTensorSpec, mapObject, valuesOf, type Spec, type TensorSpec } from './call.js';
import { isRepresentable } from './documented.js';
import type { Relation } from './subject.js';

export const reversedClasses: Relation = {
  name: 'classes in reverse',
  other(call) {
    const { classes } = (call.args[2] ?? {}) as { classes?: Spec };
    if (!Array.isArray(classes) || classes.length < 2) return null;
    return {
      ...call,
      args: call.args.map((arg, i) =>
        i === 2 ? { ...(arg as object), classes: [...(classes as number[])].reverse() } : arg,
      ),
    };
  },
};

export const reversedBatch: Relation = {
  name: 'samples in reverse',
  other(call) {
    const samples = (call.args[1] as TensorSpec).shape[0]!;
    const { hardest, activation } = (call.args[2] ?? {}) as { hardest?: number; activation?: Spec };
    // It is arbitrary which of several equally hard pixels count.
    if (samples < 2 || hardest !== undefined) return null;
    // An activation function may round a probability differently at another place, and -log(1 - p) shows it near 1.
    if (isCallback(activation) && !isRepresentable(call.args)) return null;
    return { ...call, args: call.args.map((arg) => reversed(arg, samples)) };
  },
  back(values, call) {
    const samples = (call.args[1] as TensorSpec).shape[0]!;
    const { reduction } = (call.args[2] ?? {}) as { reduction?: string };
    if (reduction !== 'none' && reduction !== 'sample') return values;
    return values.map((array) => (array.shape[0] === samples ? reverseArray(array) : array));
  },
};

/** The tensors with their samples (along the first axis) in reverse order. */
function reversed(spec: Spec, samples: number): Spec {
  if (isTensorSpec(spec)) {
    if (spec.shape[0] !== samples) return spec;
    const { data } = reverseArray({ shape: spec.shape, data: Float64Array.from(valuesOf(spec)) });
    return { ...spec, of: [...data] };
  }
  return isPlainObject(spec) ? mapObject(spec, (value) => reversed(value, samples)) : spec;
}

function reverseArray({ shape, data }: NdArray): NdArray {
  const row = sizeOf(shape.slice(1));
  const rows = Array.from({ length: shape[0]! }, (_, n) => [...data.subarray(n * row, (n + 1) * row)]);
  return { shape, data: Float64Array.from(rows.reverse().flat()) };
}
