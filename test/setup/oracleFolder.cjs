// Makes a folder for one run of jest, in which the projects share the results of the float64 oracle: see
// test/support/remembered.ts.
const { mkdtempSync, rmSync } = require('node:fs');
const { tmpdir } = require('node:os');
const { join } = require('node:path');

const NAME = 'SOFTSEG_ORACLE_FOLDER';

module.exports = () => {
  process.env[NAME] = mkdtempSync(join(tmpdir(), 'softseg-oracle-'));
  process.once('exit', () => rmSync(process.env[NAME], { recursive: true, force: true }));
};
