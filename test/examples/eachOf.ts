/** Runs code of the built examples on files, in a process of its own. */
import { expect } from '@jest/globals';
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';

export const DIST = join(process.cwd(), 'examples/dist');

/** The result for a path, as JSON gives it, or the error. */
export interface Told {
  ok?: unknown;
  error?: string;
  kind?: string;
}

/** Takes `use` of each path, in one process of its own, and what it became with the memory that the process took. */
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
    // maxRSS is that of the process that started this one, if it had more.
    const own = /^VmHWM:\\s+(\\d+) kB/m.exec(existsSync(STATUS) ? readFileSync(STATUS, 'utf8') : '');
    const kilobytes = own ? Number(own[1]) : process.resourceUsage().maxRSS;
    process.stdout.write(JSON.stringify({ told, megabytes: kilobytes / 1e3 }));`;
  const args = ['--input-type=module', '-e', script];
  const options = { input: JSON.stringify(paths), encoding: 'utf8', maxBuffer: 1e9, timeout: 250_000 } as const;
  const { status, signal, stdout, stderr } = spawnSync(process.execPath, args, options);
  expect({ status, signal, stderr }).toEqual({ status: 0, signal: null, stderr: '' });
  return JSON.parse(stdout) as { told: Told[]; megabytes: number };
}

/** The error of a path that was refused so. */
export const refusal = (path: string, what: string): Told => ({ kind: 'DataError', error: `${path}: ${what}` });

/** Whether it is an error that names the file, in one line without escape codes. */
export function expectNamed(told: Told, path: string): void {
  expect(told).toEqual({ kind: 'DataError', error: expect.stringMatching(/^\P{Control}+$/u) });
  expect(told.error!.startsWith(`${path}: `)).toBe(true);
}
