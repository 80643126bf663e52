/** Packages come from the registries that a user's own npm and pip are set to: no file names the address of one. */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { ROOT } from './codeBlocks.js';

const REGISTRY = /\bregistry\.\w+\.\w|\/\/(unpkg|pypi|files\.pythonhosted)\.\w/;

const addressesIn = (text: string) => text.split('\n').filter((line) => REGISTRY.test(line));

test('no file names the address of a registry', () => {
  const files = execFileSync('git', ['grep', '-lI', ''], { cwd: ROOT, encoding: 'utf8' }).trim().split('\n');
  const found = files.flatMap((file) =>
    addressesIn(readFileSync(join(ROOT, file), 'utf8')).map((line) => [file, line]),
  );
  expect(found).toEqual([]);
});

test('addresses are found', () => {
  const hosts = ['registry.' + 'npmjs.org', '//unpkg' + '.com/knip', 'https://pypi' + '.org/simple'];
  expect(hosts.flatMap(addressesIn)).toEqual(hosts);
  expect(addressesIn('from the registry. Then')).toEqual([]);
});
