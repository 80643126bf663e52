// Process memory, which includes what kernels allocate inside, unlike tf.memory(): one run in a fresh process.
import { availableParallelism } from 'node:os';
import { fileName } from './cases.js';
import { runModule } from './children.js';
import { startTorch } from './torch.js';

/** The loss that is measured: the one that needs the most memory. Only one is, because each process takes seconds. */
const LOSS = 'comboLoss';

/** Makes freed memory leave the process at once (glibc), so that its size is the memory in use. */
const environment = () => ({ ...process.env, MALLOC_MMAP_THRESHOLD_: '65536', MALLOC_TRIM_THRESHOLD_: '65536' });

/**
 * Fills `run.memory`: one loss for each shape, each variant in a process of its own, one process per core but at most
 * four at a time. Rows with a variant that was timed only once, because a run takes seconds, are left out.
 */
export async function measureMemory(run, { kinds, folder, onProgress }) {
  const rows = run.rows.filter(({ results }) => results && Object.values(results).every(({ runs }) => runs > 1));
  const loss = rows.some((row) => row.loss === LOSS) ? LOSS : rows[0]?.loss;
  run.memory = rows
    .filter((row) => row.loss === loss && kinds.includes(row.labels))
    .map(({ shape, labels }) => ({ shape, loss, labels, variants: {} }));
  const { backend } = run.engine;
  const entries = run.memory.flatMap(({ variants, ...row }) => {
    const tfjs = (variant) => async () => {
      variants[variant] = await tfjsMemory({ backend, variant, ...row, folder });
    };
    const torch = async () => {
      variants.torch = await torchMemoryOnce({ ...row, folder });
    };
    return [tfjs('softseg'), tfjs('plain'), ...(run.torch ? [torch] : [])];
  });
  let next = 0;
  const worker = async () => {
    while (next < entries.length) {
      onProgress(next / entries.length);
      await entries[next++]();
    }
  };
  await Promise.all(Array.from({ length: Math.min(availableParallelism(), 4) }, worker));
}

/** Bytes by which resident memory and, on wasm, the heap grew; or the reason why they are unknown. */
async function tfjsMemory(job) {
  let found = { why: 'its process ended' };
  const take = (message) => (found = message);
  await runModule('memoryChild.js', job, take, { execArgv: ['--expose-gc'], env: environment() });
  return found;
}

const torchMemories = new Map();

/** PyTorch's memory does not depend on the backend of tfjs, so it is measured once. */
function torchMemoryOnce(job) {
  const key = JSON.stringify(job);
  if (!torchMemories.has(key)) torchMemories.set(key, torchMemory(job));
  return torchMemories.get(key);
}

/** Memory of PyTorch with all cores, in its usual layout. */
async function torchMemory({ shape, loss, labels, folder }) {
  const torch = await startTorch(environment());
  try {
    await torch.ask({ do: 'open', folder, file: fileName(shape), shape });
    const request = { loss, labels, layout: 'first', threads: availableParallelism() };
    await torch.ask({ do: 'run', ...request });
    return await torch.ask({ do: 'memory', ...request });
  } catch (error) {
    return { why: error.message };
  } finally {
    torch.stop();
  }
}
