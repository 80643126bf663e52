/** The format of softseg's part of a model's file. */
import type { Json } from './json.js';
import type { SavedOptimizer } from './optimizerState.js';
import type { SavedTrained } from './trainedWeights.js';

/** softseg's part, stored under `softseg` in `userDefinedMetadata` of model.json. */
export interface SavedTraining {
  version: number;
  /** The functions that `loss` and `metrics` refer to by index. */
  functions: SavedFunction[];
  loss: Form<Saved>;
  metrics?: Form<Saved>;
  /** The names of the outputs whose targets may have any shape. */
  anyTargets?: string[];
  optimizer: SavedOptimizer;
  /** Files of version 1 lack this field. */
  trained?: SavedTrained;
  state?: Json;
}

/** A loss with options, or a loss or metric without. `own`: a function of the user, not of this package. */
export interface SavedFunction {
  from: 'softseg' | 'own';
  name: string;
  options?: { [name: string]: Json };
  /** The `axis` of a metric wrapped in `withMask` or `withSampleWeights`; a wrapped loss has it in its options. */
  axis?: number;
}

/** A string is the name of a loss or metric of tfjs-layers; a number is an index into the functions. */
export type Saved = string | number;

/** The forms in which `compile` takes losses and metrics: one, a list, or an object by the name of the output. */
export type Form<T> = T | readonly Form<T>[] | { readonly [output: string]: Form<T> };
