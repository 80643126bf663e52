import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { provisionedCache, type Project } from './project.js';

/** A cache for one project alone. */
export interface OwnCache {
  /** A path in the cache. */
  path(...parts: string[]): string;
  binding: string;
  op: string;
}

/** The cache that `npm run provision` has made, and the name of its library. */
export function demandProvisioned(): { cache: string; library: string } {
  const cache = provisionedCache();
  if (!cache) throw new Error('the cache does not hold the library: run `npm run provision`, as `npm test` does');
  return { cache, library: readdirSync(cache).find((name) => name.startsWith('tensorflow-'))! };
}

/**
 * Copies that cache for a project whose tfjs-node is not yet linked to it. The library is linked, being too large to
 * copy.
 */
export function copyCache(project: Project): OwnCache {
  const { cache, library } = demandProvisioned();
  const path = (...parts: string[]) => join(project.cache, ...parts);
  rmSync(join(project.folder, 'node_modules/@tensorflow/tfjs-node/lib'), { recursive: true, force: true });
  rmSync(project.cache, { recursive: true, force: true });
  mkdirSync(project.cache, { mode: 0o755 });
  symlinkSync(join(cache, library), path(library));
  const binding = readdirSync(cache).find((name) => /^tfjs-node-.*-r3-/.test(name))!;
  const op = realOp().split('/').at(-2)!;
  for (const name of [binding, op, 'trials']) {
    cpSync(join(cache, name), path(name), { recursive: true, preserveTimestamps: true });
  }
  return { path, binding: path(binding, 'tfjs_binding.node'), op: path(op, 'softseg_op.node') };
}

let knownOp: string | undefined;

/** The op that belongs to the working copy's own tfjs-node. */
function realOp(): string {
  const module = join(__dirname, '..', '..', 'dist', 'backend', 'provision', 'op.js');
  const ask = `import { installedOp } from '${module}'; console.log(installedOp('@tensorflow/tfjs-node'));`;
  return (knownOp ??= execFileSync(process.execPath, ['--input-type=module', '-e', ask], { encoding: 'utf8' }).trim());
}

/** An addon, in a folder of its own, that ends the process that loads it. */
export function compileCrash(): string {
  const folder = mkdtempSync(join(tmpdir(), 'softseg-crash-'));
  writeFileSync(join(folder, 'a.cc'), '#include <csignal>\n__attribute__((constructor)) void f() { raise(SIGSEGV); }');
  const addon = join(folder, 'crash.node');
  execFileSync(process.env['CXX'] ?? 'g++', ['-shared', '-fPIC', '-o', addon, join(folder, 'a.cc')]);
  return addon;
}
