// Processes that this one starts, and ends when it ends.
import { fork } from 'node:child_process';
import { URL, fileURLToPath } from 'node:url';

const running = new Set();

/** Runs a module of this folder in a process of its own: sends it the job, and gets its messages until it ends. */
export function runModule(name, job, onMessage, options = {}) {
  const path = fileURLToPath(new URL(name, import.meta.url));
  const child = fork(path, { stdio: ['ignore', 'ignore', 'pipe', 'ipc'], ...options });
  running.add(child);
  let complaint = '';
  child.stderr.on('data', (text) => (complaint = `${complaint}${text}`.slice(-4000)));
  child.on('message', onMessage);
  child.send(job, () => {}); // where it is gone already, its end says so
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code, signal) => {
      running.delete(child);
      const last = complaint.trim().split('\n').at(-1);
      resolve({ ended: signal ?? code, last });
    });
  });
}

/** PyTorch's process ends by itself with the one that started it. */
export function endAll() {
  for (const child of running) child.kill('SIGKILL');
}
