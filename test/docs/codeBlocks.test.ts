/** Every code block that a user may copy runs, and gives the values that its comments claim. */
import { beforeAll, describe, expect, test } from '@jest/globals';
import { browserEntries } from '../support/entries.js';
import {
  blocksOfDocstrings,
  blocksOfMarkdown,
  blocksThatRun,
  markdownBelow,
  runBlock,
  valuesExportedBy,
} from './codeBlocks.js';

const LONG = 180_000;

/** Docstrings use the names of all entries without imports. */
const IMPORTS = browserEntries().map(
  ([entry, source]) => `import { ${valuesExportedBy(source).join(', ')} } from '${entry}';`,
);

const PRELUDE = `
import * as tf from '@tensorflow/tfjs';
${IMPORTS.join('\n')}
tf.enableProdMode();
await tf.setBackend('cpu');`;

const NODE_PRELUDE = `${PRELUDE}
import { ${valuesExportedBy('src/node/index.ts').join(', ')} } from 'softseg/node';`;

const docstrings = blocksOfDocstrings('src');
const ofNode = docstrings.filter(({ name }) => /^src\/(backend|node)\//.test(name));
const ofBrowser = docstrings.filter((block) => !ofNode.includes(block));

describe.each([
  ['the code blocks of the README', 3, blocksOfMarkdown('README.md'), ''],
  ['the code blocks of docs', 1, markdownBelow('docs').flatMap(blocksOfMarkdown), ''],
  ['the examples of the docstrings', 15, ofBrowser, PRELUDE],
  ['the examples of softseg/node', 5, ofNode, NODE_PRELUDE],
])('%s', (_, least, blocks, prelude) => {
  test('are found', () => expect(blocks.length).toBeGreaterThanOrEqual(least));
  // In one process first, which is quick; a block that fails there runs alone, as a user would run it.
  let passed: Set<string>;
  beforeAll(() => void (passed = blocksThatRun(blocks, prelude)), LONG);
  test.each(blocks.map(({ name, code }) => [name, code] as const))(
    '%s runs, and its claims hold',
    (name, code) => {
      if (passed.has(name)) return;
      const { status, output } = runBlock(code, prelude);
      if (status !== 0) throw new Error(output);
    },
    LONG,
  );
});

describe('a block that claims something false', () => {
  test.each([
    ['softThreshold(tf.tensor([0])); // [0.6]', 'the docs say [0.6], but it is [0.5]'],
    ['softThreshold(tf.tensor([0])); // shape [2]', 'the docs say shape [2], but it is [1]'],
    ['softThreshold(tf.tensor([0])); // = tf.tensor([1])', 'but it is [0.5]'],
    ['softThreshold(tf.tensor([0])); // throws: no', 'but it is null'],
  ])('fails: %s', (code, message) => {
    const { status, output } = runBlock(code, PRELUDE);
    expect(status).not.toBe(0);
    expect(output).toContain(message);
  });
});
