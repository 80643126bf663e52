import { inFunction } from '../argumentError.js';
import { ProgressLine, type ProgressStream } from '../backend/progress.js';
import { visibleLine } from '../backend/system/terminal.js';
import { checkInteger, checkOptionNames, fail, show } from '../checks.js';

export interface TrainingProgressOptions {
  /** The number of epochs. Default: that of `fit`. */
  epochs?: number;
  /** The number of batches in an epoch. Default: that of `fit`, otherwise that of the epoch before. */
  batches?: number;
  /** The stream to write to. Default `process.stderr`. */
  stream?: ProgressStream;
}

/** A callback for `model.fit` and `model.fitDataset`, which a loop of your own can also call. */
export interface TrainingProgress {
  onTrainBegin(): void;
  onEpochBegin(epoch: number): void;
  onBatchEnd(batch: number, logs?: Record<string, number>): void;
  onEpochEnd(epoch: number, logs?: Record<string, number>): void;
  onTrainEnd(): void;
}

/**
 * The parameters that tfjs-layers knows of a training. It calls the hooks on a callback of its own, which has this
 * field.
 */
interface Params {
  params?: { epochs?: number; initialEpoch?: number; samples?: number; batchSize?: number; steps?: number };
}

/**
 * Shows the progress of training on one line of the terminal: the epoch, the share of it that is done, the mean loss of
 * the epoch so far, the other values in the logs, and the time left. After each epoch a line with its scores remains.
 * If the stream is not a terminal (a file, a pipe), only these lines are written. A broken stream does not end the
 * training. Put it last among the callbacks, so that it sees the values that others add to the logs, and give `fit`
 * `verbose: 0`.
 *
 * For this callback, tfjs-layers reads the loss back after each batch. The time left is estimated from the time of the
 * epochs so far; it is reliable once the first epoch, including its validation, is done.
 *
 * @throws if options do not fit
 *
 * @example
 * ```ts
 * const model = tf.sequential({ layers: [tf.layers.dense({ inputShape: [5, 4], units: 3 })] });
 * model.compile({ optimizer: 'sgd', loss: iouLoss });
 * const [xs, ys] = [tf.randomNormal([8, 5, 4]), tf.softmax(tf.randomNormal([8, 5, 3]))];
 * await model.fit(xs, ys, { epochs: 3, verbose: 0, callbacks: [trainingProgress()] });
 *
 * const progress = trainingProgress({ epochs: 2, batches: 4 }); // in a loop
 * for (let epoch = 0; epoch < 2; epoch++) {
 *   for (let batch = 0; batch < 4; batch++) progress.onBatchEnd(batch, { loss: 1 / (1 + batch) });
 *   progress.onEpochEnd(epoch, { val_iou: 0.5 });
 * }
 * progress.onTrainEnd();
 * ```
 */
export function trainingProgress(options: TrainingProgressOptions = {}): TrainingProgress {
  return inFunction('trainingProgress', () => {
    checkOptionNames(options, ['epochs', 'batches', 'stream']);
    const { epochs, batches, stream = process.stderr } = options;
    if (epochs !== undefined) checkInteger('epochs', epochs, 1);
    if (batches !== undefined) checkInteger('batches', batches, 1);
    if (typeof stream?.write !== 'function') fail(`stream must have a function write, got ${show(stream)}`);

    const line = new ProgressLine(stream);
    let known: RunLength = { epochs, batches };
    let first: number | undefined;
    let epochNow = 0;
    let begun = Date.now();
    let epochBegun = begun;
    let seen = new RunningMean();

    const startEpoch = (epoch: number) => {
      first ??= epoch;
      epochNow = epoch;
      epochBegun = Date.now();
      seen = new RunningMean();
    };
    const title = (epoch: number) => `epoch ${epoch + 1}${known.epochs ? ` of ${known.epochs}` : ''}`;

    return {
      onTrainBegin(this: Params | void) {
        known = { ...knownFrom(this), ...(epochs && { epochs }), ...(batches && { batches }) };
        first = undefined;
        begun = Date.now();
      },
      onEpochBegin: startEpoch,
      onBatchEnd(batch, logs = {}) {
        first ??= epochNow;
        seen.add(logs);
        if (!line.terminal) return;
        const share = known.batches && Math.min(1, (batch + 1) / known.batches);
        const done = epochNow - first + (share ?? 0);
        const left =
          known.epochs && done > 0 ? ((Date.now() - begun) / done) * (known.epochs - first - done) : undefined;
        const parts = [scoresOf(seen.means({ ...logs })), left === undefined ? '' : `${duration(left)} left`];
        line.update(title(epochNow), share, parts.filter(Boolean).join(', '));
      },
      onEpochEnd(epoch, logs = {}) {
        known = { ...known, ...(seen.batches > 0 && !known.batches && { batches: seen.batches }) };
        const scores = scoresOf({ ...seen.means({}), ...logs });
        line.done(
          visibleLine(`${title(epoch)}: ${[scores, duration(Date.now() - epochBegun)].filter(Boolean).join(', ')}`),
        );
        first ??= epoch;
        startEpoch(epoch + 1);
      },
      onTrainEnd() {
        line.done();
      },
    };
  });
}

interface RunLength {
  epochs?: number | undefined;
  batches?: number | undefined;
}

function knownFrom(callback: Params | void): RunLength {
  const { epochs, samples, batchSize, steps } = callback?.params ?? {};
  const batches = steps ?? (samples && batchSize ? Math.ceil(samples / batchSize) : undefined);
  return { epochs, ...(Number.isFinite(batches) && { batches }) };
}

/** The mean of the loss over the samples of an epoch. Other values in the logs are passed through. */
class RunningMean {
  batches = 0;
  private samples = 0;
  private loss = 0;

  add({ loss, size = 1 }: Record<string, number>): void {
    this.batches++;
    if (loss === undefined) return;
    this.samples += size;
    this.loss += loss * size;
  }

  means(logs: Record<string, number>): Record<string, number> {
    return this.samples > 0 ? { ...logs, loss: this.loss / this.samples } : logs;
  }
}

function scoresOf(logs: Record<string, number>): string {
  const { loss, ...others } = logs;
  return Object.entries({ ...(loss !== undefined && { loss }), ...others })
    .filter(([name]) => name !== 'batch' && name !== 'size')
    .map(([name, value]) => `${name} ${digits(value)}`)
    .join(', ');
}

/** Three digits after the decimal point, or three significant digits for small numbers. */
function digits(value: number): string {
  if (value === 0 || Number.isInteger(value)) return String(value);
  return Math.abs(value) < 0.01 ? value.toPrecision(3) : value.toFixed(3);
}

function duration(milliseconds: number): string {
  const seconds = Math.round(milliseconds / 1000);
  if (milliseconds < 10_000) return `${(milliseconds / 1000).toFixed(1)} s`;
  if (seconds < 60) return `${seconds} s`;
  const two = (n: number) => String(n).padStart(2, '0');
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes}:${two(seconds % 60)}`;
  return `${Math.floor(minutes / 60)}:${two(minutes % 60)}:${two(seconds % 60)}`;
}
