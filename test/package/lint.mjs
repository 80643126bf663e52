// What publint and are-the-types-wrong say of a tarball: node lint.mjs TARBALL FOLDER, its path and where it is unpacked.
import { readFileSync } from 'node:fs';
import { checkPackage, createPackageFromTarballData } from '@arethetypeswrong/core';
import { publint } from 'publint';
import { formatMessage } from 'publint/utils';

const [tarball, folder] = process.argv.slice(2);
const { messages, pkg } = await publint({ pkgDir: folder, strict: true });
const types = await checkPackage(createPackageFromTarballData(new Uint8Array(readFileSync(tarball))));
const problems = types.problems.filter(
  // CommonJS of a Node before 20.19 has no require of an ES module; and node10 resolution knows no exports map.
  ({ kind, resolutionKind }) => kind !== 'CJSResolvesToESM' && resolutionKind !== 'node10',
);
console.log(JSON.stringify({ publint: messages.map((message) => formatMessage(message, pkg)), types: problems }));
