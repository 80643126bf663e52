/** A tf.loadLayersModel that leaks no tensor when it fails. */
import type { io, Tensor, Variable } from '@tensorflow/tfjs-core';
import type { LayersModel } from '@tensorflow/tfjs-layers';
import { fileError } from './fileError.js';

// Modules that need tfjs are imported when they are needed: see modelFiles.ts.

interface Made {
  tensors: Tensor[];
  variables: Variable[];
}

/**
 * Loads a model and returns the result of `use`. If tfjs or `use` throws, all tensors of the model are disposed. To
 * know them, it relies on tfjs-layers, which makes all tensors of a model synchronously, right after the handler has
 * returned the artifacts (and only then waits for the optimizer's state). Every tensor made in that step belongs to the
 * model.
 */
export async function loadModel<T>(
  folder: string,
  artifacts: io.ModelArtifacts,
  use: (model: LayersModel) => T,
): Promise<T> {
  const [tf, { loadLayersModel }] = await Promise.all([
    import('@tensorflow/tfjs-core'),
    import('@tensorflow/tfjs-layers'),
  ]);
  const engine = tf.engine();
  const made: Made = { tensors: [], variables: [] };
  const then = (give: (artifacts: io.ModelArtifacts) => void) => {
    const before = new Set(Object.values(engine.state.registeredVariables));
    engine.startScope('loading a model');
    give(artifacts); // tfjs goes on in the next microtask
    queueMicrotask(() => {
      made.tensors = [...engine.state.activeScope.track];
      made.variables = Object.values(engine.state.registeredVariables).filter((variable) => !before.has(variable));
      engine.endScope(made.tensors);
    });
  };
  let model: LayersModel | undefined;
  try {
    // In a task of its own, so that no other microtasks run in between.
    model = await new Promise<LayersModel>((resolve, reject) => {
      setImmediate(() => void loadLayersModel({ load: () => ({ then }) as never }).then(resolve, reject));
    }).catch((error: unknown) => {
      throw fileError(`tfjs cannot make the model in ${folder}`, error);
    });
    return use(model);
  } catch (error) {
    disposeOptimizer(model);
    for (const tensor of [...made.variables, ...made.tensors]) if (!tensor.isDisposed) tensor.dispose();
    throw error;
  }
}

/** Disposes the optimizer's state, which tfjs makes after waiting. */
function disposeOptimizer(model: LayersModel | undefined): void {
  const fields = Object.values((model?.optimizer ?? {}) as Record<string, unknown>);
  for (const slots of fields) {
    if (!Array.isArray(slots)) continue;
    for (const { variable } of slots as { variable?: Variable }[])
      if (variable?.isDisposed === false) variable.dispose();
  }
}
