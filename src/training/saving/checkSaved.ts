/**
 * Checks softseg's part of a model's file before anything is made of it. It may come from any handler of tfjs, damaged
 * or written by somebody else.
 */
import { withName } from '../../argumentError.js';
import { entriesOf, show } from '../../checks.js';
import { FilePart } from './filePart.js';
import { checkSavedOptimizer } from './optimizerState.js';
import type { SavedTraining } from './savedFormat.js';
import { checkSavedTrained } from './trainedWeights.js';
import { splitLossName } from '../targets/packedLoss.js';

/** Raised with each change of the files: fields that are not known are refused. */
export const VERSION = 2;

/** The axes of tensors of tfjs. */
const MOST_AXES = 6;

/** Metrics are given by output, and for each output as a list. */
const DEEPEST_FORM = 3;

/** A model's file that may be whole, but not one that this softseg can read. */
export class OtherFile extends Error {}

/** @param prefix how errors begin */
export function checkSaved(value: unknown, prefix = ''): asserts value is SavedTraining {
  const part = new FilePart(prefix, 'softseg', value);
  const version = part.entries().get('version')?.value;
  if (Number.isSafeInteger(version) && (version as number) > VERSION) {
    const known = `this softseg knows up to ${VERSION}; update it`;
    throw withName(new OtherFile(`the model's file has version ${show(version)} of softseg's part, and ${known}`));
  }
  part.inside('.version', version).integer(1, VERSION);
  const saved = part.fields(['version', 'functions', 'loss', 'metrics', 'anyTargets', 'optimizer', 'trained', 'state']);
  const functions = saved.functions.list();
  functions.forEach(checkFunction);
  checkForm(saved.loss, functions.length);
  if (typeof saved.loss.value === 'object' && Object.keys(saved.loss.value as object).length === 0) {
    saved.loss.refuse('must hold a loss');
  }
  if (saved.metrics.isGiven) checkForm(saved.metrics, functions.length);
  if (saved.anyTargets.isGiven) {
    const names = saved.anyTargets.list().map((name) => name.name());
    if (names.length === 0 || new Set(names).size < names.length) saved.anyTargets.refuse('must be names, each once');
  }
  checkSavedOptimizer(saved.optimizer);
  // (Files of version 1 do not have it.)
  if (saved.trained.isGiven || version !== 1) checkSavedTrained(saved.trained);
  if (saved.state.isGiven) saved.state.json();
}

function checkFunction(part: FilePart): void {
  const { from, name, options, axis } = part.fields(['from', 'name', 'options', 'axis']);
  if (from.value !== 'softseg' && from.value !== 'own') from.refuse("must be 'softseg' or 'own'");
  name.inside('', splitLossName(name.name()).name).name();
  if (axis.isGiven) axis.integer(-MOST_AXES, MOST_AXES);
  if (!options.isGiven) return;
  options.entries();
  options.json();
}

/** As compile takes losses and metrics: a name, the index of a function, or a list or an object of these. */
function checkForm(part: FilePart, functions: number, depth = DEEPEST_FORM): void {
  const { value } = part;
  if (typeof value === 'string') part.name();
  else if (typeof value === 'number') {
    if (functions === 0) part.refuse('must not be an index where there are no functions');
    part.integer(0, functions - 1);
  } else if (typeof value === 'object' && value !== null && depth > 0) {
    const inside = entriesOf(value) ? part.list() : [...part.entries().values()];
    inside.forEach((each) => checkForm(each, functions, depth - 1));
  } else part.refuse('must be a name, the index of a function, or a list or an object of these');
}
