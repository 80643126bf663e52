import { setVariable } from '../../environment.js';
import { InstallError } from '../system/errors.js';
import { lastWords, run, type RunOptions, type RunResult } from '../system/processes.js';

// Python is needed for pip, which knows the user's index settings. Since it is there, it also unpacks the wheels.

/** The start of each script: ends it when the other end of its standard input closes, which means softseg has ended. */
const endWithParent = `
import sys
if sys.path[0] == '': del sys.path[0] # so that pip is not a folder of that name where softseg runs
import os, threading
def watch():
    try:
        while os.read(0, 1): pass
    finally:
        os._exit(1)
threading.Thread(target=watch, daemon=True).start()
`;

const pipScript = `${endWithParent}
import runpy
sys.argv[0] = 'pip'
runpy.run_module('pip', run_name='__main__', alter_sys=True)
`;

/** Arguments: the wheel, the target folder, and prefixes of the members to unpack. Prints the bytes written so far. */
const unpackScript = `${endWithParent}
import zipfile
wheel, folder, *keep = sys.argv[1:]
done = 0
with zipfile.ZipFile(wheel) as archive:
    for member in archive.infolist():
        name = member.filename
        if member.is_dir() or not name.startswith(tuple(keep)): continue
        if '..' in name.split('/'): sys.exit('error: the wheel has a member named ' + name)
        path = os.path.join(folder, *name.split('/'))
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with archive.open(member) as source, open(path, 'wb') as target:
            while True:
                chunk = source.read(1 << 24)
                if not chunk: break
                target.write(chunk)
                done += len(chunk)
                print(done, flush=True)
            target.flush()
            os.fsync(target.fileno())
        if (member.external_attr >> 16) & 0o111: os.chmod(path, 0o755)
`;

/** Finds the user's Python with a new enough pip, or throws an InstallError. */
export async function findPython(env: NodeJS.ProcessEnv, signal?: AbortSignal): Promise<string> {
  const own = setVariable(env, 'SOFTSEG_PYTHON');
  let withoutPip: string | undefined;
  for (const command of own ? [own] : ['python3', 'python']) {
    const script = `${endWithParent}assert sys.version_info >= (3, 7)\nimport pip\nprint('pip', pip.__version__)`;
    const answer = await run(command, ['-c', script], { env, signal, timeout: 30_000 }).catch((error) => {
      if (error instanceof InstallError) throw error;
      return undefined;
    });
    const pip = /^pip (\d+)\./m.exec(answer?.output ?? '');
    if (pip && Number(pip[1]) >= 21) return command;
    if (pip || answer?.output.includes("No module named 'pip'")) withoutPip ??= command;
  }
  if (withoutPip) {
    throw new InstallError(
      'pip',
      `${withoutPip} has no pip of version 21 or later, which is needed to fetch TensorFlow; install one ` +
        `(\`${withoutPip} -m ensurepip --upgrade\`, or \`sudo apt install python3-pip\` on Debian and Ubuntu), ` +
        'or set SOFTSEG_PYTHON to a Python that has it',
    );
  }
  throw new InstallError(
    'python',
    `${own ? `SOFTSEG_PYTHON=${own} does not run as Python 3.7 or later` : 'no Python was found'}; TensorFlow is ` +
      'fetched with pip: install Python 3 with pip, or set SOFTSEG_PYTHON to its path',
  );
}

/** Runs `pip`; its temporary files go to `folder`. */
export function runPip(python: string, args: string[], folder: string, options: RunOptions): Promise<RunResult> {
  const env = {
    ...options.env,
    TMPDIR: folder,
    TEMP: folder,
    TMP: folder,
    // With this variable set pip refuses to install outside a virtual environment; a download is safe.
    PIP_REQUIRE_VIRTUALENV: '0',
  };
  return run(python, ['-c', pipScript, ...args], { ...options, env });
}

/** Unpacks the members of `wheel` whose names start with one of `keep`. */
export async function unpackZip(
  python: string,
  wheel: string,
  folder: string,
  keep: string[],
  onBytes: (bytes: number) => void,
  { env, signal }: RunOptions,
): Promise<void> {
  const onLine = (line: string) => onBytes(Number(line));
  const result = await run(python, ['-c', unpackScript, wheel, folder, ...keep], { env, signal, onLine });
  if (result.code === 0) return;
  if (/No space left|ENOSPC/.test(result.output)) throw diskFull(folder);
  throw new InstallError('unpack', `${wheel} could not be unpacked; ${python} said ${lastWords(result.output, 1)}`);
}

export const diskFull = (folder: string): InstallError =>
  new InstallError(
    'disk',
    `the disk that holds ${folder} is full; free some space, or set SOFTSEG_CACHE to a folder on another disk`,
  );
