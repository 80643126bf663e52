/** The format of softseg's part of a model's file. */
import type { Json } from './json.js';
import type { SavedOptimizer } from './optimizerState.js';
import type { SavedTrained } from './trainedWeights.js';

/** Under `softseg` in `userDefinedMetadata` of model.json. */
export interface SavedTraining {
  version: number;
  /** The functions that `loss` and `metrics` refer to by index. */
  functions: SavedFunction[];
  loss: Form<Saved>;
  metrics?: Form<Saved>;
  /** The outputs whose targets may have any shape. */
  anyTargets?: string[];
  optimizer: SavedOptimizer;
  /** Not in files of version 1. */
  trained?: SavedTrained;
  state?: Json;
}

/** A loss with options, or a function by itself. `own`: not of this package. */
export interface SavedFunction {
  from: 'softseg' | 'own';
  name: string;
  options?: { [name: string]: Json };
  /** The axis of a metric in `withMask` or `withSampleWeights`; a loss has it in its options. */
  axis?: number;
}

/** A string is a loss or metric of tfjs-layers, a number one of the functions. */
export type Saved = string | number;

/** As compile takes them: one, a list, or by the name of the output. */
export type Form<T> = T | readonly Form<T>[] | { readonly [output: string]: Form<T> };
