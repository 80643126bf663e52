import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { failingScript, failingWrites, type FailingWrites } from './failingWrites.js';

let folder: string;
let failing: FailingWrites;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'softseg-written-'));
  failing = failingWrites();
});
afterAll(() => {
  failing.remove();
  rmSync(folder, { recursive: true, force: true });
});

test('a file that a script writes is complete or unchanged, whichever operation fails', () => {
  const script = `${failingScript}
    import { readdirSync, readFileSync } from 'node:fs';
    import { writeWhole } from ${JSON.stringify(join(process.cwd(), 'scripts/writeWhole.js'))};
    const folder = process.argv[1];
    const path = folder + '/picture.svg';
    const told = [];
    for (const how of ['once', 'from', 'short']) {
      for (let at = 1; ; at++) {
        arm(0);
        writeWhole(path, 'old');
        arm(at, how);
        let failed = false;
        try { writeWhole(path, 'new'); } catch { failed = true; }
        arm(0);
        told.push({ failed, content: readFileSync(path, 'utf8'), files: readdirSync(folder) });
        if (!failed) break;
      }
    }
    console.log(JSON.stringify(told));`;
  const env = { ...process.env, ...failing.env(folder) };
  const out = execFileSync(process.execPath, ['--input-type=module', '-e', script, folder], { env, encoding: 'utf8' });
  const told = JSON.parse(out) as { failed: boolean; content: string; files: string[] }[];
  expect(told.length).toBeGreaterThanOrEqual(3 * 4);
  for (const { failed, content, files } of told) {
    expect({ content, files }).toEqual({ content: failed ? 'old' : 'new', files: ['picture.svg'] });
  }
});
