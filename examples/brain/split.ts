import { DataError } from '../shared/errors.js';
import { shuffled } from './random.js';

const SEED = 1;
const TEST_SHARE = 0.2;

const startsWith = (prefix: string) => (item: { file: string }) => item.file.startsWith(prefix);

/** Splits by the prefixes train_ and test_ if both exist; otherwise a fifth, drawn with a fixed seed, is for tests. */
export const split = <T extends { file: string }>(items: T[], dir: string): { train: T[]; test: T[]; note: string } => {
  const train = items.filter(startsWith('train_'));
  const test = items.filter(startsWith('test_'));
  if (train.length > 0 && test.length > 0) {
    const others = items.length - train.length - test.length;
    const left = others > 0 ? `; ${others} other files are not used` : '';
    return { train, test, note: `split by the prefixes train_ and test_${left}` };
  }
  if (items.length < 2) throw new DataError(`${dir}: needs at least two images, one for training and one for testing`);
  const order = shuffled(items.length, SEED);
  const count = Math.max(1, Math.round(items.length * TEST_SHARE));
  const isTest = new Set(order.slice(0, count));
  return {
    train: items.filter((_, index) => !isTest.has(index)),
    test: items.filter((_, index) => isTest.has(index)),
    note: 'no files with both prefixes train_ and test_: a fifth of the files, drawn with a fixed seed, is for testing',
  };
};
