import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { failingScript, failingWrites, type FailingWrites } from '../damage/failingWrites.js';
import { DIST } from './eachOf.js';

let folder: string;
let failing: FailingWrites;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'softseg-results-'));
  failing = failingWrites();
});
afterAll(() => {
  failing.remove();
  rmSync(folder, { recursive: true, force: true });
});

test('results that cannot be written leave those that were there, and nothing half', () => {
  const script = `${failingScript}
    import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
    import { writeTogether } from ${JSON.stringify(join(DIST, 'shared/write.js'))};
    const folder = process.argv[1];
    const files = (content) => ({ 'picture.png': content.repeat(1000), 'results.json': content });
    const there = () => readdirSync(folder).sort().map((file) => [file, readFileSync(folder + '/' + file, 'utf8')]);
    const told = [];
    for (const how of ['once', 'from', 'short']) {
      for (let at = 1; ; at++) {
        arm(0);
        writeTogether(folder, files('old'));
        arm(at, how);
        let error = null;
        try { writeTogether(folder, files('new')); } catch (thrown) { error = [thrown.constructor.name, thrown.message]; }
        arm(0);
        told.push({ how, at, error, there: there() });
        if (error === null) break;
      }
    }
    console.log(JSON.stringify(told));`;
  const env = { ...process.env, ...failing.env(folder) };
  const out = execFileSync(process.execPath, ['--input-type=module', '-e', script, folder], {
    env,
    encoding: 'utf8',
  });
  const told = JSON.parse(out) as { how: string; error: string[] | null; there: [string, string][] }[];
  expect(told.filter(({ error }) => error === null)).toHaveLength(3);
  expect(told.length).toBeGreaterThan(20);
  const renames = { 'picture.png': 'new'.repeat(1000), 'results.json': 'old' };
  const kept = { 'picture.png': 'old'.repeat(1000), 'results.json': 'old' };
  for (const { error, there } of told) {
    const files = Object.fromEntries(there);
    if (error === null) expect(files).toEqual({ 'picture.png': 'new'.repeat(1000), 'results.json': 'new' });
    else {
      // The second file may still fail to take its name, whole as it is.
      expect([kept, renames]).toContainEqual(files);
      expect(error[0]).toBe('DataError');
      expect(error[1]).toMatch(/\/(picture\.png|results\.json): cannot be written \(E/);
    }
  }
  expect(told.filter(({ there }) => there[0]![1].startsWith('new'))).toHaveLength(6);
  expect(readdirSync(folder)).toEqual(['picture.png', 'results.json']);
});
