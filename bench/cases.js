// The benchmark's shapes, losses and kinds of labels, and the combinations that make a row.

/** The shapes [N, ...spatial, C] of the logits. */
export const SHAPES = [
  [4, 256, 256, 21],
  [8, 256, 256, 4],
  [8, 256, 256, 1],
  [1, 64, 128, 128, 4],
];
export const LOSSES = ['iouLoss', 'diceLoss', 'crossEntropyLoss', 'binaryCrossEntropyLoss', 'comboLoss'];
export const LABELS = ['soft', 'indices'];
export const BACKENDS = ['native', 'wasm', 'cpu'];

/** The selection of --quick: all backends, in less than a minute. */
export const QUICK = {
  native: { shapes: [[8, 256, 256, 4]], losses: ['iouLoss', 'crossEntropyLoss', 'comboLoss'] },
  wasm: { shapes: [[8, 256, 256, 4]], losses: ['iouLoss', 'crossEntropyLoss', 'comboLoss'] },
  cpu: { shapes: [[8, 256, 256, 1]], losses: ['iouLoss', 'comboLoss'] },
};

export const shapeName = (shape) => `[${shape.join(',')}]`;
export const fileName = (shape) => shape.join('x');
export const sizeOf = (shape) => shape.reduce((product, size) => product * size, 1);
/** The bytes of one float32 tensor of N·P·C values, the unit of the memory columns. */
export const tensorBytes = (shape) => 4 * sizeOf(shape);

/** The rows of one shape. With a single class, cross-entropy is the binary one, which has its own row. */
export function rowsOf(shape, losses) {
  const distinct = losses.filter((loss) => shape.at(-1) > 1 || loss !== 'crossEntropyLoss');
  return distinct.flatMap((loss) => LABELS.map((labels) => ({ shape, loss, labels })));
}
