/**
 * The fused passes as ops of tfjs, with kernels that are registered for a backend and gradients that are registered
 * once. tfjs computes a registered gradient only when it is needed, so usually none with respect to the labels, and
 * saves the inputs once. The gradients are themselves ops, whose gradients are composed, so passes can be
 * differentiated to any order.
 */
import * as tf from '@tensorflow/tfjs-core';
import type { GradConfig, NamedAttrMap, NamedTensorMap, Tensor, Tensor2D, Tensor3D } from '@tensorflow/tfjs-core';
import { entropyMapPass } from '../composed/entropyMap.js';
import { composedKernels } from '../composed/kernels.js';
import { overlapPass } from '../composed/overlap.js';
import type { Pass } from '../composed/pass.js';
import { sumSet, type Kernels, type PassAttributes, type PassInputs, type SumSet, type Wrt } from '../contract.js';
import { nestedGrads } from '../../ops/nestedGrads.js';
import { fromPixels, layoutOfPixels, toPixels, type LabelKind, type Layout } from '../layout.js';
import { toFloat } from '../../ops/toFloat.js';
import type { FusedInputs, FusedPass, FusedPasses } from './passes.js';

/** The result of a pass: sums, or the cross-entropy of each pixel with these coefficients of the classes. */
type Wanted = { sums: SumSet } | { coefficients: readonly number[] };

interface OpAttributes {
  pass: FusedPass;
  wanted: Wanted;
  /** Used by gradients of gradients, which are composed. */
  layout: Layout;
  labelKind: LabelKind;
}

interface GradientAttributes extends OpAttributes {
  wrt: Wrt;
}

const PASS = 'SoftsegPass';
const GRADIENT = 'SoftsegPassGradient';

type PassTensors = readonly [labels: Tensor, predictions: Tensor, weights?: Tensor3D];

/** The inputs and attributes of each op. tfjs passes them on unchanged, but does not know their types. */
interface Ops {
  [PASS]: { inputs: PassTensors; attrs: OpAttributes };
  [GRADIENT]: { inputs: readonly [dy: Tensor, ...PassTensors]; attrs: GradientAttributes };
}

/** Registers `passes` for a backend, in place of any that were registered before. */
export function registerFusedPasses(backendName: string, passes: FusedPasses): FusedPasses {
  for (const gradient of gradients) if (!tf.getGradient(gradient.kernelName)) tf.registerGradient(gradient);
  const register = <K extends keyof Ops>(kernelName: K, run: (call: Ops[K]) => tf.TensorInfo) => {
    if (tf.getKernel(kernelName, backendName)) tf.unregisterKernel(kernelName, backendName);
    tf.registerKernel({ kernelName, backendName, kernelFunc: (call) => run(call as unknown as Ops[K]) });
  };
  register(PASS, ({ inputs: [labels, predictions, weights = null], attrs: { pass, wanted } }) => {
    const inputs: FusedInputs = { labels, predictions, weights };
    if ('sums' in wanted) return passes.sums(inputs, pass, wanted.sums);
    return passes.entropyMap(inputs, pass, wanted.coefficients);
  });
  register(GRADIENT, ({ inputs: [dy, labels, predictions, weights = null], attrs: { pass, wanted, wrt } }) => {
    const inputs: FusedInputs = { labels, predictions, weights };
    if ('sums' in wanted) return passes.sumsGradient(inputs, pass, wanted.sums, dy, wrt);
    return passes.entropyMapGradient(inputs, pass, wanted.coefficients, dy, wrt);
  });
  return passes;
}

export function fusedKernels(passes: FusedPasses): Kernels {
  const { name, readsAtOnce = true, takes = () => true, formulas = null, unit = () => 1 } = passes;
  const { takesFocal = false, around = (run) => run() } = passes;
  /** The inputs and the pass in the form of `passes`; null if they do not take it. */
  const fused = (inputs: PassInputs, attributes: PassAttributes) => {
    const atAnEnd = classesAtAnEnd(inputs);
    const pass = passOf(atAnEnd, attributes);
    if (!takes(pass) || (pass.entropy.focal && !takesFocal)) return null;
    const run = (wanted: Wanted) => around(() => runPass(atAnEnd, pass, wanted));
    return { run, unit: unit(pass) };
  };
  const sumsInUnits: Kernels['sumsInUnits'] = (inputs, attributes, sums) => {
    const own = fused(inputs, attributes);
    if (own) return { values: own.run({ sums }) as Tensor3D, unit: own.unit };
    const others = sumSet(sums.filter((sum) => sum !== 'crossEntropy'));
    const plain = others.length > 0 && attributes.entropy.focal ? fused(inputs, withoutFocal(attributes)) : null;
    if (!plain) return composedKernels.sumsInUnits(inputs, attributes, sums);
    const values = plain.run({ sums: others }) as Tensor3D;
    if (others.length === sums.length) return { values, unit: plain.unit };
    const entropy = composedKernels.sums(inputs, attributes, ENTROPY);
    return { values: joined(values, tf.mul(entropy, 1 / plain.unit), sums), unit: plain.unit };
  };
  return {
    name,
    readsAtOnce,
    formulas,
    sumsInUnits,
    sums(inputs, attributes, sums) {
      const { values, unit } = sumsInUnits(inputs, attributes, sums);
      return unit === 1 ? values : tf.mul(values, unit);
    },
    entropyMap(inputs, attributes, coefficients) {
      const own = fused(inputs, attributes);
      return own
        ? (own.run({ coefficients }) as Tensor2D)
        : composedKernels.entropyMap(inputs, attributes, coefficients);
    },
  };
}

const ENTROPY = sumSet(['crossEntropy']);

const withoutFocal = (attributes: PassAttributes): PassAttributes => ({
  ...attributes,
  entropy: { ...attributes.entropy, focal: null },
});

/** The sums [S,N,C], from that of the cross-entropy and the others. It comes last, or before 'valid'. */
function joined(others: Tensor3D, entropy: Tensor3D, sums: SumSet): Tensor3D {
  const before = sums.indexOf('crossEntropy');
  if (before === others.shape[0]) return tf.concat([others, entropy], 0);
  return tf.concat([tf.slice(others, 0, before), entropy, tf.slice(others, before)], 0);
}

function passOf({ labels, labelKind, layout }: PassInputs, attributes: PassAttributes): FusedPass {
  const { axis, samples, pixels, classes, shape } = layout;
  return {
    ...attributes,
    samples,
    pixels,
    classes,
    classesFirst: axis !== shape.length - 1,
    labelKind: labelKind === 'indices' ? 'indices' : (labels.dtype as 'float32' | 'int32' | 'bool'),
  };
}

function runPass(inputs: PassInputs, pass: FusedPass, wanted: Wanted): Tensor {
  const { labels, predictions, weights, labelKind, layout } = inputs;
  const attrs: OpAttributes = { pass, wanted, layout, labelKind };
  return runKernel(PASS, { inputs: weights ? [labels, predictions, weights] : [labels, predictions], attrs });
}

/** Moves a class axis between spatial axes to the end, because fused kernels take it only directly after N or last. */
function classesAtAnEnd(inputs: PassInputs): PassInputs {
  const { labels, predictions, labelKind, layout } = inputs;
  const { axis, shape } = layout;
  if (axis === 1 || axis === shape.length - 1) return inputs;
  return {
    ...inputs,
    predictions: toPixels(predictions, layout),
    // Converted to float32 first, because webgpu cannot transpose integers.
    labels: labelKind === 'indices' ? labels : toPixels(toFloat(labels), layout),
    layout: layoutOfPixels(layout),
  };
}

// The inputs are a list instead of an object with names; tfjs does the same for tf.addN and tf.concat.
function runKernel<K extends keyof Ops>(name: K, { inputs, attrs }: Ops[K]): Tensor {
  return tf.engine().runKernel(name, inputs as unknown as NamedTensorMap, attrs as unknown as NamedAttrMap);
}

const passGradient: GradConfig = {
  kernelName: PASS,
  saveAllInputs: true,
  gradFunc: (dy, saved, attrs) => {
    const call = { inputs: saved, attrs } as unknown as Ops[typeof PASS];
    const to = (wrt: Wrt) => () =>
      runKernel(GRADIENT, { inputs: [dy as Tensor, ...call.inputs], attrs: { ...call.attrs, wrt } });
    return { 0: to('labels'), 1: to('predictions') };
  },
};

const gradientOfGradient: GradConfig = {
  kernelName: GRADIENT,
  saveAllInputs: true,
  gradFunc: (ddy, saved, attrs) => {
    const to = (index: 0 | 1 | 2) => () => {
      const gradient = (x: Tensor) =>
        composedGradient({ inputs: saved.with(index, x), attrs } as unknown as Ops[typeof GRADIENT]);
      return nestedGrads(gradient, [saved[index]!], ddy as Tensor)[0]!;
    };
    return { 0: to(0), 1: to(1), 2: to(2) };
  },
};

const gradients = [passGradient, gradientOfGradient];

function composedGradient({ inputs: [dy, labels, predictions, weights], attrs }: Ops[typeof GRADIENT]): Tensor {
  const { wanted, layout, labelKind, wrt, pass } = attrs;
  const composed = ('sums' in wanted
    ? overlapPass(pass, wanted.sums)
    : entropyMapPass(pass, wanted.coefficients)) as unknown as Pass<Tensor>;
  const inputs: PassInputs = { labels, predictions, weights: weights ?? null, labelKind, layout };
  return fromPixels(composed.gradient(inputs, dy, wrt), layout);
}
