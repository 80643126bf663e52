/** Runs code of the built examples on files, in a process of its own. */
import { expect } from '@jest/globals';
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';

export const DIST = join(process.cwd(), 'examples/dist');

/** The result for one path as parsed JSON, or the error. */
export interface Told {
  ok?: unknown;
  error?: string;
  kind?: string;
}

/**
 * Evaluates `use` for each path, all in one new process, and returns the results and the memory that the process used.
 */
export function eachOf(module: string, use: string, paths: string[]): { told: Told[]; megabytes: number } {
  const script = `
    import { existsSync, readFileSync } from 'node:fs';
    const STATUS = '/proc/self/status';
    const module = await import(${JSON.stringify(join(DIST, module))});
    const told = [];
    for (const path of JSON.parse(readFileSync(0, 'utf8'))) {
      try { told.push({ ok: await (${use})(module, path) }); }
      catch (error) { told.push({ error: error.message, kind: error.constructor.name }); }
    }
    // maxRSS is that of the parent process if the parent had more.
    const own = /^VmHWM:\\s+(\\d+) kB/m.exec(existsSync(STATUS) ? readFileSync(STATUS, 'utf8') : '');
    const kilobytes = own ? Number(own[1]) : process.resourceUsage().maxRSS;
    process.stdout.write(JSON.stringify({ told, megabytes: kilobytes / 1e3 }));`;
  const args = ['--input-type=module', '-e', script];
  const options = { input: JSON.stringify(paths), encoding: 'utf8', maxBuffer: 1e9, timeout: 250_000 } as const;
  const { status, signal, stdout, stderr } = spawnSync(process.execPath, args, options);
  expect({ status, signal, stderr }).toEqual({ status: 0, signal: null, stderr: '' });
  return JSON.parse(stdout) as { told: Told[]; megabytes: number };
}

/** The error for a refused path. */
export const refusal = (path: string, what: string): Told => ({ kind: 'DataError', error: `${path}: ${what}` });

/** Checks that the result is an error that names the file, in one line without escape codes. */
export function expectNamed(told: Told, path: string): void {
  expect(told).toEqual({ kind: 'DataError', error: expect.stringMatching(/^\P{Control}+$/u) });
  expect(told.error!.startsWith(`${path}: `)).toBe(true);
}
