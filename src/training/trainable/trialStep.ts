import * as tf from '@tensorflow/tfjs-core';
import type { Tensor } from '@tensorflow/tfjs-core';
import type { LayersModel } from '@tensorflow/tfjs-layers';
import { constant } from '../../ops/constant.js';
import type { Layer } from './modelParts.js';
import { isSuspect } from './wrongKernels.js';

/** Something that tfjs does not compute, or computes wrongly. */
export interface Fault {
  /** The layer's name and class. */
  layer: string;
  problem: string;
  /** The kernel that is missing or wrong; undefined if the problem is another one. */
  kernel: string | undefined;
  /** The operation whose gradient fails; undefined for the way forward. */
  operation?: string;
}

export interface Trial {
  /** The error that ended the run forward, if there was one. */
  stopped: Fault | undefined;
  /** The errors of gradient functions. */
  faults: Fault[];
  /** The kernels that ran and may give wrong values, with the layers in which they ran. */
  suspects: Map<string, Set<string>>;
  /** True if no output depends on a trained variable. */
  isConstant: boolean;
}

/** An operation that tfjs has recorded for the gradient. */
type TapeNode = ReturnType<typeof tf.engine>['state']['activeTape'][number];

const NO_LAYER = 'outside of the layers';

/**
 * Runs the model forward as `fit` does, with the penalties of its regularizers. Then it runs the gradient function of
 * each operation between the trained variables and the outputs, by those inputs by which `fit` would call it. Gradient
 * functions get ones in place of the gradient that would come to them, so one that fails does not keep the others from
 * running.
 */
export function trialStep(
  model: LayersModel,
  layers: ReadonlyMap<Layer, string>,
  inputs: Tensor[],
  trained: readonly Tensor[],
): Trial {
  const trial: Trial = { stopped: undefined, faults: [], suspects: new Map(), isConstant: false };
  const { state } = tf.engine();
  const owners = new Map<TapeNode, string>();
  let running = NO_LAYER;

  /** Runs a part of a layer. The operations that tfjs records meanwhile belong to the layer. */
  const inLayer = <T>(layer: string, run: () => T): T => {
    const [before, start] = [running, state.activeTape.length];
    running = layer;
    const result = run();
    for (const node of state.activeTape.slice(start)) owners.set(node, layer);
    running = before;
    return result;
  };
  const forward = (): Tensor[] => {
    const outputs = model.apply(inputs, { training: true }) as Tensor | Tensor[];
    const penalties = [...layers].flatMap(([layer, name]) => inLayer(name, () => layer.calculateLosses()));
    return [outputs, penalties].flat();
  };
  const backward = (steps: readonly BackwardStep[]): void => {
    for (const { node, inputs } of steps) {
      running = owners.get(node) ?? NO_LAYER;
      for (const error of errorsOf(node, inputs))
        trial.faults.push({ ...faultOf(running, error), operation: node.kernelName });
    }
  };
  const record = (): tf.Scalar => {
    const start = state.activeTape.length;
    try {
      const outputs = forward();
      const steps = backwardSteps(state.activeTape.slice(start), trained, outputs);
      trial.isConstant = steps.length === 0;
      // tfjs does not record inside of a constant.
      constant(() => (backward(steps), tf.scalar(0)));
    } catch (error) {
      trial.stopped = faultOf(running, error);
    }
    return tf.scalar(0);
  };
  const noteKernel = (kernel: string, attrs: tf.NamedAttrMap): void => {
    if (isSuspect(kernel, attrs)) trial.suspects.set(kernel, (trial.suspects.get(kernel) ?? new Set()).add(running));
  };
  const watched = (layer: Layer, name: string, apply: Layer['apply']): Layer['apply'] => {
    return (inputs, kwargs) =>
      inLayer(name, () => {
        refuseEmpty(layer, inputs as Tensor | Tensor[]);
        return apply.call(layer, inputs, kwargs);
      });
  };
  const restore = [...layers].map(([layer, name]) =>
    replaceMethod(layer, 'apply', (apply) => watched(layer, name, apply)),
  );
  restore.push(
    replaceMethod(tf.engine(), 'runKernel', (runKernel) => (name, inputs, attrs) => {
      noteKernel(name, attrs ?? {});
      return runKernel.call(tf.engine(), name, inputs, attrs) as never;
    }),
  );
  try {
    // The value of `record` depends on nothing: tfjs computes no gradient, and disposes what was saved for one.
    tf.tidy(() => void tf.engine().gradients(record, [tf.scalar(0)], undefined, true));
  } finally {
    for (const each of restore) each();
  }
  return trial;
}

/** Throws if the layer makes its input so small that nothing is left. Kernels of wasm then write past their memory. */
function refuseEmpty(layer: Layer, inputs: Tensor | Tensor[]): void {
  const shapes = [inputs].flat().map(({ shape }) => shape);
  const outputs = [layer.computeOutputShape(shapes.length === 1 ? shapes[0]! : shapes)].flat();
  if (outputs.some((size) => size !== null && Number(size) <= 0)) fail('nothing is left of it');
}

/** Replaces a method of one object. The result puts the old one back. */
function replaceMethod<T extends object, K extends keyof T>(object: T, key: K, make: (before: T[K]) => T[K]) {
  const own = Object.getOwnPropertyDescriptor(object, key);
  object[key] = make(object[key]);
  return (): void => void (own ? Object.defineProperty(object, key, own) : Reflect.deleteProperty(object, key));
}

interface BackwardStep {
  node: TapeNode;
  /** The names of the inputs by which the node is differentiated. */
  inputs: string[];
}

/** The operations through which tfjs goes back from the outputs to the variables, in the order of the way forward. */
function backwardSteps(tape: readonly TapeNode[], variables: readonly Tensor[], outputs: readonly Tensor[]) {
  const fromVariables = new Set(variables.map(({ id }) => id));
  const steps: BackwardStep[] = [];
  for (const node of tape) {
    const inputs = Object.keys(node.inputs).filter((name) => fromVariables.has(node.inputs[name]!.id));
    if (inputs.length === 0) continue;
    steps.push({ node, inputs });
    for (const { id } of node.outputs) fromVariables.add(id);
  }
  const toOutputs = new Set(outputs.map(({ id }) => id));
  const leading = steps.reverse().filter(({ node }) => {
    const leads = node.outputs.some(({ id }) => toOutputs.has(id));
    if (leads) for (const { id } of Object.values(node.inputs)) toOutputs.add(id);
    return leads;
  });
  return leading.reverse();
}

/** The errors of a node's gradient function. */
function errorsOf({ gradient, kernelName, outputs, inputs }: TapeNode, names: readonly string[]): unknown[] {
  if (!gradient) return [new Error(`tfjs has no gradient of ${kernelName}`)];
  const errors: unknown[] = [];
  const collecting = (run: () => void): void => {
    try {
      tf.tidy(run);
    } catch (error) {
      errors.push(error);
    }
  };
  collecting(() => {
    const slopes = gradient(outputs.map(({ shape }) => tf.fill(shape, 1)));
    for (const name of names) {
      collecting(() => {
        const slope = slopes[name]?.();
        if (!slope) fail(`tfjs has no gradient of ${kernelName} by its ${name}`);
        if (slope.dtype !== 'float32' || !tf.util.arraysEqual(slope.shape, inputs[name]!.shape)) {
          fail(`the gradient of ${kernelName} by its ${name} is not float32 of the same shape, so tfjs refuses it`);
        }
      });
    }
  });
  return errors;
}

function fail(message: string): never {
  throw new Error(message);
}

function faultOf(layer: string, error: unknown): Fault {
  // (TensorFlow's messages have several lines.)
  const message = (error instanceof Error ? error.message : String(error)).replaceAll(/\s+/g, ' ');
  const kernel = /^Kernel '([^']+)' not registered/.exec(message)?.[1];
  return { layer, problem: kernel ? `the kernel ${kernel} is missing` : message.replace(/\.$/, ''), kernel };
}
