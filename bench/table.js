// The results as text.
import { shapeName, tensorBytes } from './cases.js';
import { fasterTorch, ratio } from './ratios.js';

/** Medians of fewer runs than this are marked. */
const FEW = 3;

/** The table of one backend and shape. */
export function timesTable(run, shape) {
  const rows = run.rows.filter((row) => shapeName(row.shape) === shapeName(shape));
  const composed = run.engine.kernels !== 'composed';
  const threads = run.torch?.threads ?? [];
  const header = [
    ['', 'loss'],
    ['', 'labels'],
    ['', 'softseg'],
    ...(composed ? [['', 'composed']] : []),
    ['plain', 'tfjs ops'],
    ...threads.flatMap((count) => [
      [`torch ${count}t`, 'NC...'],
      [`torch ${count}t`, 'N...C'],
    ]),
    ...threads.map((count) => ['softseg/', `torch ${count}t`]),
    ['plain/', 'softseg'],
    ...(composed ? [['composed/', 'softseg']] : []),
    ['tensors', 'softseg'],
    ['tensors', 'plain'],
  ];
  const lines = rows.map((row) => {
    if (row.error) return [row.loss, row.labels, row.error];
    const { softseg, plain } = row.results;
    return [
      row.loss,
      row.labels,
      time(softseg),
      ...(composed ? [time(row.results.composed)] : []),
      time(plain),
      ...threads.flatMap((count) => ['first', 'last'].map((layout) => time(row.results[`torch ${layout} ${count}`]))),
      ...threads.map((count) => times(ratio(softseg.median, fasterTorch(row, count)))),
      times(ratio(plain.median, softseg.median)),
      ...(composed ? [times(ratio(row.results.composed?.median, softseg.median))] : []),
      times(softseg.peakBytes / tensorBytes(shape)),
      times(plain.peakBytes / tensorBytes(shape)),
    ];
  });
  const title = `${run.engine.backend} ${shapeName(shape)}, one tensor ${megabytes(tensorBytes(shape))} MB`;
  return [title, aligned(header, lines, 2), ''].join('\n');
}

/** What the columns of `timesTable` mean. */
export function legend(run) {
  const { engine, torch } = run;
  const lines = [
    `${engine.backend} ${engine.version}, ${engine.threads} thread${engine.threads > 1 ? 's' : ''}, kernels: ` +
      `${engine.kernels}${torch ? `; PyTorch ${torch.version}` : ''}`,
    'ms: medians of forward + backward. softseg/torch: below 1 softseg is faster than the faster layout of PyTorch.',
    'tensors: the most that tensors took meanwhile, beyond the inputs, in tensors of N·P·C float32 (the gradient is one).',
  ];
  const few = run.rows.some((row) => Object.values(row.results ?? {}).some(({ runs }) => runs < FEW));
  if (few) lines.push('*: so slow that it ran only once or twice.');
  return lines.join('\n');
}

/** Process memory of the variants that were measured in processes of their own. */
export function memoryTable(run) {
  if (run.memory.length === 0) return '';
  const names = ['softseg', 'plain', 'torch'].filter((name) => run.memory.some(({ variants }) => variants[name]));
  const inHeap = names.filter((name) => run.memory.some(({ variants }) => variants[name]?.wasmHeapBytes !== undefined));
  const header = [
    ['', 'shape'],
    ['', 'loss'],
    ['', 'labels'],
    ...names.map((name) => ['resident', name]),
    ...inHeap.map((name) => ['wasm heap', name]),
  ];
  const lines = run.memory.map(({ shape, loss, labels, variants }) => {
    const cell = (bytes) =>
      bytes === undefined ? '-' : `${megabytes(bytes)} MB ${times(bytes / tensorBytes(shape)).padStart(5)}`;
    return [
      shapeName(shape),
      loss,
      labels,
      ...names.map((name) => cell(variants[name]?.residentBytes)),
      ...inHeap.map((name) => cell(variants[name]?.wasmHeapBytes)),
    ];
  });
  const title =
    `${run.engine.backend}, memory of the process: how far it rose during one run in a fresh process, and the same in ` +
    'tensors of N·P·C float32';
  return [title, aligned(header, lines, 3), ''].join('\n');
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

/** The first `left` columns to the left, the others to the right. A line may end early with a longer text. */
function aligned(header, lines, left) {
  const top = header.map(([text]) => text);
  const bottom = header.map(([, text]) => text);
  const all = [top, bottom, ...lines];
  const whole = all.filter((line) => line.length === header.length);
  const widths = header.map((_, column) => Math.max(...whole.map((line) => line[column].length)));
  const cell = (text, column) => (column < left ? text.padEnd(widths[column]) : text.padStart(widths[column]));
  return all.map((line) => `  ${line.map(cell).join('  ')}`.trimEnd()).join('\n');
}
