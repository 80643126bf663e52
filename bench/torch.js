// The client of torch_server.py.
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { URL, fileURLToPath } from 'node:url';

const server = fileURLToPath(new URL('torch_server.py', import.meta.url));

export const python = () => process.env['SOFTSEG_PYTHON'] || 'python3';

/** A PyTorch process that answers one request at a time; throws the reason if there is no PyTorch. */
export async function startTorch(env = process.env) {
  const child = spawn(python(), [server], { stdio: ['pipe', 'pipe', 'pipe'], env });
  let complaint = '';
  child.on('error', (error) => (complaint = error.message));
  child.stdin.on('error', () => {}); // the process has ended, which the missing answer reports
  child.stderr.on('data', (text) => (complaint = `${complaint}${text}`.slice(-2000)));
  const closed = new Promise((resolve) => child.on('close', resolve));
  const answers = createInterface({ input: child.stdout })[Symbol.asyncIterator]();

  const ask = async (request) => {
    child.stdin.write(`${JSON.stringify(request)}\n`);
    const { value, done } = await answers.next();
    if (done) {
      await closed;
      throw new Error(complaint.trim().split('\n').at(-1) || `${python()} ended without an answer`);
    }
    const answer = JSON.parse(value);
    if (answer.error) throw new Error(answer.error);
    return answer;
  };
  const about = await ask({ do: 'hello' });
  return { ...about, ask, stop: () => child.stdin.end() };
}
