import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';

const root = join(__dirname, '..', '..');
const modules = join(root, 'node_modules');

/** The output and the exit code of a process. */
export interface Said {
  code: number | null;
  out: string;
  err: string;
}

/**
 * A user's project in a temporary folder: softseg as it would be installed (a copy of dist), the named packages, and a
 * home of its own. All its files stay in that folder.
 */
export interface Project {
  folder: string;
  cache: string;
  env: NodeJS.ProcessEnv;
  /** Runs `softseg` with arguments. */
  cli(args: string[], env?: NodeJS.ProcessEnv): Said;
  /** Runs the text of a module, and returns its output. */
  script(text: string, env?: NodeJS.ProcessEnv): Said;
  /** Runs a shell command in which `softseg` can be called. */
  shell(line: string, env?: NodeJS.ProcessEnv): Said;
  start(args: string[], env?: NodeJS.ProcessEnv): Running;
  remove(): void;
}

export interface Running {
  child: ChildProcess;
  /** The output so far. */
  said(): string;
  ended: Promise<Said>;
}

export function makeProject(packages: string[]): Project {
  if (!existsSync(join(root, 'dist', 'backend', 'cli.js'))) throw new Error('dist is not built: run `npm run build`');
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'softseg-test-')));
  const own = join(folder, 'node_modules', 'softseg');
  for (const part of ['package.json', 'dist']) cpSync(join(root, part), join(own, part), { recursive: true });
  for (const name of packages) {
    const target = join(folder, 'node_modules', name);
    mkdirSync(dirname(target), { recursive: true });
    // A package that a binding is linked into is copied, and finds its dependencies where ours are.
    if (!name.includes('tfjs-node')) symlinkSync(join(modules, name), target);
    else copyNative(name, target);
  }
  writeFileSync(join(folder, 'package.json'), '{ "type": "module" }');
  const home = join(folder, 'home');
  mkdirSync(home);
  const env = { PATH: process.env['PATH'], HOME: home, SOFTSEG_CACHE: join(folder, 'cache') };
  const options = (more: NodeJS.ProcessEnv = {}) => ({ cwd: folder, env: { ...env, ...more } });

  const spawned = (command: string, args: string[], more?: NodeJS.ProcessEnv): Said => {
    const ran = spawnSync(command, args, { ...options(more), encoding: 'utf8' });
    return { code: ran.status, out: ran.stdout, err: ran.stderr };
  };
  const runSync = (args: string[], more?: NodeJS.ProcessEnv) => spawned(process.execPath, args, more);
  const cli = join(own, 'dist', 'backend', 'cli.js');
  const command = `softseg() { '${process.execPath}' '${cli}' "$@"; }`;
  return {
    folder,
    env,
    cache: env.SOFTSEG_CACHE,
    cli: (args, more) => runSync([cli, ...args], more),
    script: (text, more) => runSync(['--input-type=module', '-e', text], more),
    shell: (line, more) => spawned('sh', ['-c', `${command}\n${line}`], more),
    start: (args, more) => {
      const child = spawn(process.execPath, args[0] === 'softseg' ? [cli, ...args.slice(1)] : args, options(more));
      let out = '';
      let err = '';
      child.stdout.setEncoding('utf8').on('data', (text: string) => (out += text));
      child.stderr.setEncoding('utf8').on('data', (text: string) => (err += text));
      const ended = new Promise<Said>((resolve) => child.on('close', (code) => resolve({ code, out, err })));
      return { child, said: () => out + err, ended };
    },
    remove: () => rmSync(folder, { recursive: true, force: true }),
  };
}

function copyNative(name: string, target: string): void {
  const from = join(modules, name);
  cpSync(from, target, { recursive: true, filter: (path) => dirname(path) !== from || basename(path) !== 'lib' });
  mkdirSync(join(target, 'node_modules', '@tensorflow'), { recursive: true });
  for (const entry of readdirSync(modules)) {
    if (!entry.startsWith('.') && entry !== '@tensorflow')
      symlinkSync(join(modules, entry), join(target, 'node_modules', entry));
  }
  symlinkSync(join(modules, '@tensorflow', 'tfjs'), join(target, 'node_modules', '@tensorflow', 'tfjs'));
}

/** The cache that the working copy's own tfjs-node is linked to, if `npm run provision` has made it. */
export function provisionedCache(): string | undefined {
  const binding = join(modules, '@tensorflow', 'tfjs-node', 'lib', 'napi-v8', 'tfjs_binding.node');
  if (!existsSync(binding)) return undefined;
  const cache = dirname(dirname(realpathSync(binding)));
  return readdirSync(cache).some((name) => name.startsWith('tfjs-node-')) ? cache : undefined;
}

/** Waits until `holds` returns true; fails after ten seconds. */
export async function until(holds: () => boolean, what: string): Promise<void> {
  for (let waited = 0; !holds(); waited += 20) {
    if (waited > 10_000) throw new Error(`waited in vain for: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
