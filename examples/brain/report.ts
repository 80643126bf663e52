import type { Outcome } from './experiment.js';
import { LOSSES } from './losses.js';
import { table } from '../shared/table.js';
import type { Untrained } from './untrained.js';

const COLUMNS = [
  ['soft IoU', 'softIou'],
  ['argmax IoU', 'argmaxIou'],
  ['abs(p - t)', 'absoluteError'],
  ['Brier', 'brier'],
  ['calibration', 'calibrationError'],
] as const;

/** A table of the losses, with the labels and with the rounded labels as predictions. */
export const untrainedTable = (rows: Untrained[]): string =>
  table(
    ['loss on the test labels', 'p = t', 'p = argmax t'],
    rows.map(({ loss, atLabel, atArgmax }) => [LOSSES[loss].title, atLabel.toFixed(3), atArgmax.toFixed(3)]),
  );

/** The scores on the test images. */
export const scoresTable = (outcomes: Outcome[]): string =>
  table(
    ['trained with', ...COLUMNS.map(([title]) => title), 'time'],
    outcomes.map(({ loss, scores, seconds }) => [
      LOSSES[loss].title,
      ...COLUMNS.map(([, name]) => scores[name].toFixed(3)),
      `${seconds.toFixed(0)} s`,
    ]),
  );
