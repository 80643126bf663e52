// Prints what publint and are-the-types-wrong find in a tarball: node lint.mjs TARBALL FOLDER, where FOLDER holds it
// unpacked.
import { readFileSync } from 'node:fs';
import { checkPackage, createPackageFromTarballData } from '@arethetypeswrong/core';
import { publint } from 'publint';
import { formatMessage } from 'publint/utils';

const [tarball, folder] = process.argv.slice(2);
const { messages, pkg } = await publint({ pkgDir: folder, strict: true });
const types = await checkPackage(createPackageFromTarballData(new Uint8Array(readFileSync(tarball))));
const problems = types.problems.filter(
  // CommonJS in Node before 20.19 cannot require an ES module, and node10 resolution does not know exports maps.
  ({ kind, resolutionKind }) => kind !== 'CJSResolvesToESM' && resolutionKind !== 'node10',
);
console.log(JSON.stringify({ publint: messages.map((message) => formatMessage(message, pkg)), types: problems }));
