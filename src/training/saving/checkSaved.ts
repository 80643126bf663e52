/**
 * Checks softseg's part of a model's file before it is used. The file may come from any handler of tfjs; it may be
 * damaged, or written by another program.
 */
import { withName } from '../../argumentError.js';
import { entriesOf, show } from '../../checks.js';
import { FilePart } from './filePart.js';
import { checkSavedOptimizer } from './optimizerState.js';
import type { SavedTraining } from './savedFormat.js';
import { checkSavedTrained } from './trainedWeights.js';
import { splitLossName } from '../targets/packedLoss.js';

/** The version of the format. Each change of the format raises it, because unknown fields are refused. */
export const VERSION = 2;

/** The largest number of axes of a tensor in tfjs. */
const MOST_AXES = 6;

/** The largest depth of a form: metrics may be nested by output, and in a list for each output. */
const DEEPEST_FORM = 3;

/** The error for a file that may be undamaged, but that this version of softseg cannot read. */
export class OtherFile extends Error {}

/**
 * @param prefix the beginning of error messages
 */
export function checkSaved(value: unknown, prefix = ''): asserts value is SavedTraining {
  const part = new FilePart(prefix, 'softseg', value);
  const version = part.entries().get('version')?.value;
  if (Number.isSafeInteger(version) && (version as number) > VERSION) {
    const known = `this softseg knows up to ${VERSION}; update it`;
    throw withName(new OtherFile(`the model's file has version ${show(version)} of softseg's part, but ${known}`));
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
    const areDistinct = names.length > 0 && new Set(names).size === names.length;
    if (!areDistinct) saved.anyTargets.refuse('must be a list of different names');
  }
  checkSavedOptimizer(saved.optimizer);
  // Files of version 1 lack this field.
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

/**
 * Checks losses or metrics in the form in which `compile` takes them: a name, the index of a function, or a list or an
 * object of these.
 */
function checkForm(part: FilePart, functions: number, depth = DEEPEST_FORM): void {
  const { value } = part;
  if (typeof value === 'string') part.name();
  else if (typeof value === 'number') {
    if (functions === 0) part.refuse('must not be an index, because the file has no functions');
    part.integer(0, functions - 1);
  } else if (typeof value === 'object' && value !== null && depth > 0) {
    const inside = entriesOf(value) ? part.list() : [...part.entries().values()];
    inside.forEach((each) => checkForm(each, functions, depth - 1));
  } else part.refuse('must be a name, the index of a function, or a list or an object of these');
}
