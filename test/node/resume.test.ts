/**
 * A run that is killed at any moments and started again ends with the same weights, bit for bit, as an uninterrupted
 * one.
 */
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { randomNumbers } from '../support/random.js';

jest.setTimeout(300_000);

const SCRIPT = join(__dirname, 'trainingRun.mjs');
const ONE_THREAD = { OMP_NUM_THREADS: '1', TF_NUM_INTRAOP_THREADS: '1', TF_NUM_INTEROP_THREADS: '1' };

let root: string;
beforeAll(() => {
  root = mkdtempSync(join(tmpdir(), 'softseg-resume-'));
});
afterAll(() => rmSync(root, { recursive: true, force: true }));

/** Runs the script. `killAt` names the line at which, and the milliseconds after it, the process is killed. */
function run(
  args: string[],
  killAt?: { line: string; after: number },
): Promise<{ lines: string[]; code: number | null }> {
  const child = spawn(process.execPath, [SCRIPT, ...args], { env: { ...process.env, ...ONE_THREAD } });
  let [text, errors] = ['', ''];
  child.stdout.on('data', (part: Buffer) => {
    text += part.toString();
    if (killAt && text.includes(`${killAt.line}\n`)) setTimeout(() => child.kill('SIGKILL'), killAt.after);
  });
  child.stderr.on('data', (part: Buffer) => (errors += part.toString()));
  return new Promise((resolve, reject) =>
    child.on('close', (code, signal) => {
      if (code !== 0 && signal !== 'SIGKILL') reject(new Error(errors));
      else resolve({ lines: text.trim().split('\n'), code });
    }),
  );
}

describe.each([
  ['loop', 'adam', ['step 0', 'saving 0', 'step 4', 'saving 7', 'saving 11', 'saved 12', 'saving 14']],
  ['loop', 'momentum', ['saving 2', 'step 9', 'saving 13']],
  ['fit', 'adam', ['step 1', 'saving 0', 'saving 1', 'saved 2', 'saving 4']],
  ['fit', 'momentum', ['step 2', 'saving 2', 'saving 3']],
])('a %s with %s', (kind, optimizer, lines) => {
  test('killed at several moments ends with the same weights', async () => {
    const whole = await run([kind, optimizer, join(root, `${kind}-${optimizer}-whole`)]);
    expect(whole.code).toBe(0);
    expect(whole.lines.at(-1)).toMatch(/^weights [0-9a-f]{64} steps 15$/);

    const folder = join(root, `${kind}-${optimizer}`);
    const random = randomNumbers(lines.length);
    const found: number[] = [];
    let kills = 0;
    for (const line of lines) {
      // The files are written within some milliseconds after the line.
      const killed = await run([kind, optimizer, folder], { line, after: Math.floor(8 * random()) });
      if (killed.code === null) kills++;
      found.push(Number(killed.lines[0]!.replace('found ', '').replace('nothing', '-1')));
    }
    const resumed = await run([kind, optimizer, folder]);
    expect(resumed.lines.at(-1)).toBe(whole.lines.at(-1));
    // Each run continued where the one before was, and none of them did everything.
    expect([...found].sort((a, b) => a - b)).toEqual(found);
    expect(resumed.lines[0]).not.toBe('found nothing');
    // A run close to its end may finish before the signal arrives.
    expect(kills).toBeGreaterThanOrEqual(lines.length - 1);
    // Two checkpoints stay, and possibly one that the last kill left to be removed.
    expect([2, 3]).toContain(readdirSync(folder).length);
  });
});
