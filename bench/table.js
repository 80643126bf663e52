// The results as text.
import { terminalTable } from '../scripts/table.js';
import { shapeName, tensorBytes } from './cases.js';
import { fasterTorch, ratio } from './ratios.js';

/** Medians of fewer runs than this get a mark. */
const FEW = 3;

/** The table of one backend and shape. */
export function timesTable(run, shape) {
  const rows = run.rows.filter((row) => shapeName(row.shape) === shapeName(shape));
  const composed = run.engine.kernels !== 'composed';
  const threads = run.torch?.threads ?? [];
  const head = [
    'loss',
    'labels',
    'softseg',
    ...(composed ? ['composed'] : []),
    'plain',
    ...threads.flatMap((count) => [`NC ${count}t`, `N..C ${count}t`]),
    ...threads.map((count) => `softseg/${count}t`),
    'plain/softseg',
    ...(composed ? ['composed/softseg'] : []),
    'tensors',
    'tensors plain',
  ];
  const lines = rows
    .filter(({ error }) => !error)
    .map(({ loss, labels, results }) => {
      const { softseg, plain } = results;
      return [
        loss,
        labels,
        time(softseg),
        ...(composed ? [time(results.composed)] : []),
        time(plain),
        ...threads.flatMap((count) => ['first', 'last'].map((layout) => time(results[`torch ${layout} ${count}`]))),
        ...threads.map((count) => times(ratio(softseg.median, fasterTorch({ results }, count)))),
        times(ratio(plain.median, softseg.median)),
        ...(composed ? [times(ratio(results.composed?.median, softseg.median))] : []),
        times(softseg.peakBytes / tensorBytes(shape)),
        times(plain.peakBytes / tensorBytes(shape)),
      ];
    });
  const errors = rows.filter(({ error }) => error).map(({ loss, labels, error }) => `${loss}, ${labels}: ${error}`);
  const title = `${run.engine.backend} ${shapeName(shape)}, one tensor ${megabytes(tensorBytes(shape))} MB`;
  return [title, '', terminalTable(head, lines, { left: 2 }), ...(errors.length > 0 ? ['', ...errors] : []), ''].join(
    '\n',
  );
}

/** Explains the columns of `timesTable`. */
export function legend(run) {
  const { engine, torch } = run;
  const lines = [
    `${engine.backend} ${engine.version}, ${engine.threads} thread${engine.threads > 1 ? 's' : ''}, kernels: ` +
      `${engine.kernels}${torch ? `; PyTorch ${torch.version}` : ''}`,
    'Times are medians of forward + backward, in ms.',
    ...(torch
      ? [
          'NC and N..C are PyTorch with classes on axis 1 and with classes last, 1t with one thread. softseg/1t',
          'compares with the faster of the two: below 1, softseg is faster.',
        ]
      : []),
    'tensors: the peak memory of tensors apart from the inputs, in tensors of N·P·C float32 (the gradient is one).',
  ];
  const few = run.rows.some((row) => Object.values(row.results ?? {}).some(({ runs }) => runs < FEW));
  if (few) lines.push('*: so slow that it ran only once or twice.');
  return lines.join('\n');
}

/** The process memory of the variants that were measured in processes of their own. */
export function memoryTable(run) {
  if (run.memory.length === 0) return '';
  const names = ['softseg', 'plain', 'torch'].filter((name) => run.memory.some(({ variants }) => variants[name]));
  const inHeap = names.filter((name) => run.memory.some(({ variants }) => variants[name]?.wasmHeapBytes !== undefined));
  const head = ['shape', 'loss', 'labels', ...names, ...inHeap.map((name) => `${name}, wasm heap`)];
  const lines = run.memory.map(({ shape, loss, labels, variants }) => {
    const cell = (bytes) =>
      bytes === undefined ? '-' : `${megabytes(bytes)} MB, ${times(bytes / tensorBytes(shape))}`;
    return [
      shapeName(shape),
      loss,
      labels,
      ...names.map((name) => cell(variants[name]?.residentBytes)),
      ...inHeap.map((name) => cell(variants[name]?.wasmHeapBytes)),
    ];
  });
  const title =
    `${run.engine.backend}: the rise of resident memory during one run in a fresh process (memory that was freed ` +
    'before is used again without a rise), in MB and in tensors of N·P·C float32';
  return [title, '', terminalTable(head, lines, { left: 3 }), ''].join('\n');
}

const time = (result) => {
  if (!result) return '-';
  const ms = result.median < 100 ? result.median.toFixed(1) : result.median.toFixed(0);
  return result.runs < FEW ? `${ms}*` : ms;
};
const times = (value) => {
  if (value === undefined) return '-';
  return value >= 100 ? value.toFixed(0) : value >= 10 ? value.toFixed(1) : value.toFixed(2);
};
const megabytes = (bytes) => (bytes / 1e6).toFixed(bytes < 1e7 ? 1 : 0);
