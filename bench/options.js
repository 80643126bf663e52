import { fileURLToPath } from 'node:url';
import { oneOf, readOptions, UsageError, wholeNumber } from '../scripts/options.js';
import { BACKENDS, LOSSES, SHAPES } from './cases.js';

const SHAPE_NAMES = SHAPES.map((shape) => shape.join('x'));

const DESCRIPTION = {
  usage: 'npm run bench -- [options]',
  about:
    'Times forward + backward of the losses of softseg, next to plain tfjs ops and PyTorch, in interleaved runs.\n' +
    'Prints tables, and writes the numbers (json) and a picture (svg).\n\n' +
    'PyTorch is that of the Python in the environment variable SOFTSEG_PYTHON, or else of python3.',
  options: {
    quick: { about: 'a small selection on all backends, in less than a minute' },
    backend: { value: 'LIST', list: true, parse: oneOf(BACKENDS), about: `of ${BACKENDS.join(',')} (default: all)` },
    shape: {
      value: 'LIST',
      list: true,
      parse: shapeOf,
      about: `[N,...spatial,C] with x between the sizes (default: ${SHAPE_NAMES.join(',')})`,
    },
    loss: { value: 'LIST', list: true, parse: oneOf(LOSSES), about: `of ${LOSSES.join(',')} (default: all)` },
    repeats: {
      value: 'N',
      parse: wholeNumber(1, 9999),
      about: 'the largest number of runs of one entry; slow entries get fewer (default: 40, with --quick 10)',
    },
    out: { value: 'DIR', about: 'folder for the files (default: bench/results)' },
  },
};

/** The options of a command line; those that were not given are undefined. */
export function benchOptions() {
  const { quick, backend, shape, loss, repeats, out } = readOptions(DESCRIPTION);
  return {
    quick,
    // They are in the order of the tables, not in the order of the command line.
    backends: backend && BACKENDS.filter((name) => backend.includes(name)),
    losses: loss && LOSSES.filter((name) => loss.includes(name)),
    shapes: shape,
    repeats,
    out: out ?? fileURLToPath(new URL('results', import.meta.url)),
  };
}

function shapeOf(text) {
  const shape = text.split('x').map(Number);
  if (!/^\d+(x\d+){2,}$/.test(text) || shape.some((size) => size < 1)) {
    throw new UsageError('must be like 8x256x256x4');
  }
  return shape;
}
