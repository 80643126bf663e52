// Processes that this one starts, and ends when it ends itself.
import { fork } from 'node:child_process';
import { URL, fileURLToPath } from 'node:url';

const running = new Set();

/** Runs a module of this folder in a new process: sends it the job, and receives its messages until it ends. */
export function runModule(name, job, onMessage, options = {}) {
  const path = fileURLToPath(new URL(name, import.meta.url));
  const child = fork(path, { stdio: ['ignore', 'ignore', 'pipe', 'ipc'], ...options });
  running.add(child);
  let complaint = '';
  child.stderr.on('data', (text) => (complaint = `${complaint}${text}`.slice(-4000)));
  child.on('message', onMessage);
  child.send(job, () => {}); // if it has ended already, the exit handler reports it
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code, signal) => {
      running.delete(child);
      const last = complaint.trim().split('\n').at(-1);
      resolve({ ended: signal ?? code, last });
    });
  });
}

/** Ends all of them, except PyTorch's process, which ends by itself with the process that started it. */
export function endAll() {
  for (const child of running) child.kill('SIGKILL');
}
