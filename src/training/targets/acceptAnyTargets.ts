import type { LayersModel } from '@tensorflow/tfjs-layers';
import { inFunction } from '../../argumentError.js';
import { checkOptionNames, entriesOf, fail, show } from '../../checks.js';

export interface AcceptAnyTargetsOptions {
  /** The names of the outputs. Default: all outputs whose loss is a function. */
  outputs?: readonly string[];
}

/** The fields that `compile` sets in tfjs-layers 4.22. */
interface CompiledOutputs {
  outputNames: string[];
  loss?: unknown;
  /** The shapes that `fit` compares the targets with; it does not compare where the shape is null. */
  feedOutputShapes?: unknown;
}

/**
 * Makes `model.fit`, `evaluate` and `trainOnBatch` pass targets of any shape to the loss: int32 class indices
 * `[N, ...spatial]` or `[N, ...spatial, 1]`, which take 1/C of the memory of one-hot labels, or labels with weights
 * from `packMask`. By default, tfjs-layers refuses targets that do not have the shape of the output. Call it again
 * after each `compile`.
 *
 * It removes the shapes that tfjs-layers keeps for that comparison, in a private field (`feedOutputShapes`, as of
 * 4.22), because there is no public switch. `fitDataset` and `evaluateDataset` do not compare shapes, and do not need
 * it. tfjs-layers reshapes targets `[N]` to `[N, 1]`.
 *
 * @param model a compiled model of tfjs-layers
 * @throws if the model is not compiled, has no such output, or the loss of the output is one of tfjs-layers, which
 * needs targets of the shape of the output; or if this version of tfjs-layers has no such field
 *
 * @example
 * ```ts
 * const model = tf.sequential({ layers: [tf.layers.conv2d({ inputShape: [8, 8, 1], filters: 21, kernelSize: 1 })] });
 * model.compile({ optimizer: 'sgd', loss: comboLoss });
 * acceptAnyTargets(model);
 * const indices = tf.randomUniform([4, 8, 8], 0, 21, 'int32');
 * await model.fit(tf.randomNormal([4, 8, 8, 1]), indices, { epochs: 1, verbose: 0 });
 * ```
 */
export function acceptAnyTargets(model: LayersModel, options: AcceptAnyTargetsOptions = {}): void {
  inFunction('acceptAnyTargets', () => {
    checkOptionNames(options, ['outputs']);
    const compiled = compiledPart(model);
    const names = compiled?.outputNames;
    if (!compiled || !Array.isArray(names)) fail(`model must be a model of tfjs-layers, got ${show(model)}`);
    if (compiled.loss == null) fail('compile the model first, and call this again after each compile');
    const shapes = compiled.feedOutputShapes;
    if (!Array.isArray(shapes) || shapes.length !== names.length) {
      fail('this version of tfjs-layers has no feedOutputShapes; fitDataset takes targets of any shape without it');
    }

    const { outputs = names.filter((_, i) => typeof lossOf(compiled, i) === 'function') } = options;
    const entries = entriesOf(outputs);
    if (!entries || entries.length === 0) {
      fail(`outputs must be a list of names of outputs that have a function as their loss, got ${show(outputs)}`);
    }
    const indices = entries.map((name) => {
      const i = names.indexOf(name as string);
      if (i === -1) fail(`the model has the outputs ${names.join(', ')}, got ${show(name)}`);
      const loss = lossOf(compiled, i);
      if (typeof loss !== 'function') {
        fail(
          `the loss of output '${names[i]}' must be a function, got ${show(loss)}, which needs targets of its shape`,
        );
      }
      return i;
    });
    for (const i of indices) shapes[i] = null;
  });
}

/** The names of the outputs whose targets may have any shape. */
export function freedOutputs(model: LayersModel): string[] {
  const { outputNames, feedOutputShapes } = compiledPart(model)!;
  return outputNames.filter((_, i) => Array.isArray(feedOutputShapes) && feedOutputShapes[i] === null);
}

/** A tf.Sequential keeps these fields in an inner model. */
function compiledPart(model: unknown): CompiledOutputs | undefined {
  const given = model as { model?: CompiledOutputs } | null | undefined;
  return given?.model ?? (given as CompiledOutputs | undefined);
}

/** The loss of an output, as passed to `compile`. */
function lossOf({ loss, outputNames }: CompiledOutputs, i: number): unknown {
  if (Array.isArray(loss)) return loss[i];
  if (typeof loss === 'object') return (loss as Record<string, unknown>)[outputNames[i]!];
  return loss;
}
