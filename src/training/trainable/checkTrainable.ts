import * as tf from '@tensorflow/tfjs-core';
import type { LayersModel } from '@tensorflow/tfjs-layers';
import { inFunction } from '../../argumentError.js';
import { fail, show, showShape } from '../../checks.js';
import { largest } from '../../extremes.js';
import { isForWasmTraining } from '../../wasmTraining/enableWasmTraining.js';
import { wouldAddGradient } from '../../wasmTraining/gradients.js';
import { namedLayers, trainedVariables } from './modelParts.js';
import { trialStep, type Fault, type Trial } from './trialStep.js';
import { leavingUnchanged } from './unchanged.js';
import { whereWrong } from './wrongKernels.js';

/** The shape of an input as tfjs-layers has it, with null where any size fits. */
type OpenShape = readonly (number | null)[];

/** The sizes to try for an axis that may have any. One of them suits networks that halve up to eight times. */
const SIZES = [32, 64, 48, 40, 96, 128, 160, 224, 256];
/** The most places in an input whose sizes are tried. */
const MOST_PLACES = 2 ** 18;
/** The most layers that a message lists for one problem. */
const SHOWN_LAYERS = 10;

/**
 * Throws if tfjs cannot train the model on the backend that runs. Without this check, the first step of `fit` throws,
 * after the data are loaded, and its message names no layer ("Kernel 'Conv2DBackpropFilter' not registered for backend
 * 'wasm'"). Call it before training, once the backend is set.
 *
 * It runs the model on zeros in training mode, with its regularizers, and then the gradient of each operation between
 * the trained weights and the outputs. Each operation is tried by itself, so what is missing for one does not hide what
 * is missing for others. Models inside the model, shared layers and layers of your own are tried too. Gradients that
 * training does not need are not tried, such as those by frozen weights. Nor are the loss and the optimizer.
 *
 * It finds kernels that the backend lacks, operations without a gradient, and layers that throw. It also finds some
 * kernels of tfjs 4.22 that give wrong values without an error: the gradients of max pooling and of 3D convolutions on
 * wasm, and the gradient of nearest-neighbour upsampling on cpu. If the model uses one of these, the check compares it
 * with known values of a tiny example. On webgpu and webgl nothing is read back, so errors that a GPU reports later are
 * not found.
 *
 * The cost, in time and memory, is that of one training step with one sample of the model's input shape. Where the
 * shape has null, the size is 32, or another one up to 256 if the model does not run with 32. On webgpu and webgl, most
 * of the time goes into compiling programs. Training uses them again, on webgl only with batches of one sample.
 *
 * The model stays as it is: weights, moving averages of batch normalization, states of recurrent layers, optimizer.
 * Nor does the check take numbers from `Math.random`.
 *
 * @param model a model of tfjs-layers. If it is compiled, its trained weights are those that `compile` has collected
 * @throws if something is missing or wrong. The message names the backend, the layers with their classes, the kernels,
 * and what to do: call `enableWasmTraining`, use another layer, or use a backend that has the kernel. It also throws if
 * the model has no input shape yet, or no weight that is trained
 *
 * @example
 * ```ts
 * const conv = () => tf.layers.conv2d({ inputShape: [null, null, 1], filters: 3, kernelSize: 3, padding: 'same' });
 * checkTrainable(tf.sequential({ layers: [conv()] }));
 * const bad = tf.sequential({ layers: [conv(), tf.layers.thresholdedReLU({ name: 'curve' })] });
 * checkTrainable(bad); // throws: curve (ThresholdedReLU): tfjs has no gradient of Greater
 * ```
 */
export function checkTrainable(model: LayersModel): void {
  inFunction('checkTrainable', () => {
    const shapes = inputShapes(model);
    const trained = trainedVariables(model);
    if (trained.length === 0) fail('no weight of the model is trained; is trainable false for all layers?');
    const layers = namedLayers(model);
    const trials: Trial[] = [];
    leavingUnchanged(model, () => {
      for (const tried of shapesToTry(shapes)) {
        const inputs = tried.map((shape, i) => tf.zeros(shape, model.inputs[i]!.dtype));
        const trial = trialStep(model, layers, inputs, trained);
        tf.dispose(inputs);
        trials.push(trial);
        // Another size does not help if a kernel is missing.
        if (!trial.stopped || trial.stopped.kernel) break;
      }
    });
    const last = trials.at(-1)!;
    if (last.stopped && !last.stopped.kernel) refuseToRun(trials[0]!.stopped!, shapesToTry(shapes));
    refuse(last);
  });
}

function inputShapes(model: unknown): OpenShape[] {
  const { layers, inputs, apply } = (model ?? {}) as Partial<LayersModel>;
  if (!Array.isArray(layers) || typeof apply !== 'function') {
    fail(`model must be a model of tfjs-layers, got ${show(model)}`);
  }
  if (!Array.isArray(inputs) || inputs.length === 0) {
    fail('the model has no input shape yet; give its first layer an inputShape');
  }
  return inputs.map(({ shape }) => shape);
}

/** The shapes of the inputs for each size to try, with one sample. */
function shapesToTry(shapes: readonly OpenShape[]): number[][][] {
  const open = largest(shapes.map((shape) => shape.slice(1).filter((size) => size === null).length));
  const sizes = open === 0 ? [1] : SIZES.filter((size) => size ** open <= MOST_PLACES);
  return sizes.map((size) => shapes.map(([batch, ...rest]) => [batch ?? 1, ...rest.map((given) => given ?? size)]));
}

function refuseToRun({ layer, problem }: Fault, [first, ...others]: readonly number[][][]): never {
  const shape = first!.map(showShape).join(', ');
  const sizes = others.length > 0 ? ', nor for other sizes; give the input a fixed shape for which it runs' : '';
  fail(`${layer} cannot run for an input of shape ${shape}: ${problem}${sizes}`);
}

function refuse({ stopped, faults, suspects, isConstant }: Trial): void {
  if (isConstant) fail('no output of the model depends on a weight that is trained');
  const all = [...faults, ...wrongValues(suspects), ...(stopped ? [stopped] : [])];
  if (all.length === 0) return;
  const lines = byProblem(all).map(([fault, layers]) => `${listed(layers)}: ${fault.problem}; ${cure(fault)}`);
  if (stopped) lines.push('The gradients, and the layers after the last one here, could not be tried');
  fail([`tfjs cannot train this model on the ${tf.getBackend()} backend:`, ...lines].join('\n'));
}

function wrongValues(suspects: Trial['suspects']): Fault[] {
  return [...suspects].flatMap(([kernel, layers]) => {
    const where = whereWrong(kernel);
    const problem = `the kernel ${kernel} gives wrong values ${where}`;
    return where ? [...layers].map((layer) => ({ layer, problem, kernel })) : [];
  });
}

/** One fault of each problem, with all the layers that have it. */
function byProblem(faults: readonly Fault[]): [Fault, string[]][] {
  const found = new Map(faults.map((fault) => [fault.problem, fault]));
  const layersWith = (problem: string) => faults.filter((fault) => fault.problem === problem).map(({ layer }) => layer);
  return [...found].map(([problem, fault]) => [fault, [...new Set(layersWith(problem))]]);
}

function listed(layers: readonly string[]): string {
  const more = layers.length - SHOWN_LAYERS;
  return layers.slice(0, SHOWN_LAYERS).join(', ') + (more > 0 ? ` and ${more} more` : '');
}

/** The way to train in spite of a problem. */
function cure({ kernel, operation, problem }: Fault): string {
  const backend = tf.getBackend();
  const enable = 'call enableWasmTraining() before training';
  if (kernel && backend === 'wasm' && isForWasmTraining(kernel)) return enable;
  if (!kernel && operation && wouldAddGradient(operation)) return `${enable}, which is for all backends`;
  // tf.fused.conv2d has a gradient of its own, which enableWasmTraining cannot replace.
  if (/fused conv2D: dilation/.test(problem)) return `${enable}, and give the layer the activation 'relu' or 'elu'`;
  const others = tf.engine().backendNames();
  const elsewhere = kernel ? others.filter((name) => name !== backend && tf.getKernel(kernel, name)) : [];
  const layer = 'use another layer, or other options of it';
  return elsewhere.length > 0 ? `${layer}, or another backend (${elsewhere.join(', ')})` : layer;
}
