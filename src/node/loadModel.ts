/** tf.loadLayersModel, but leaving no tensor behind when it fails. */
import type { io, Tensor, Variable } from '@tensorflow/tfjs-core';
import type { LayersModel } from '@tensorflow/tfjs-layers';
import { fileError } from './fileError.js';

// (What needs tfjs is imported when it is needed: see modelFiles.ts.)

interface Made {
  tensors: Tensor[];
  variables: Variable[];
}

/**
 * The model, once `use` is done with it; if tfjs or `use` throws, with nothing left of it. tfjs-layers makes all that a
 * model needs in one go, right after the handler has given the artifacts (then it waits for the optimizer's state).
 * Whatever comes to be in that go is the model's.
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
    // From a task of its own, so that nobody else's microtasks come between.
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

/** An optimizer's state, which tfjs makes after waiting. */
function disposeOptimizer(model: LayersModel | undefined): void {
  const fields = Object.values((model?.optimizer ?? {}) as Record<string, unknown>);
  for (const slots of fields) {
    if (!Array.isArray(slots)) continue;
    for (const { variable } of slots as { variable?: Variable }[])
      if (variable?.isDisposed === false) variable.dispose();
  }
}
