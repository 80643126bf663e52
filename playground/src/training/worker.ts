/** Trains in a worker, so that the page stays responsive. */
import { checkValues } from 'softseg';
import { availableBackends } from './backends.js';
import { loadData, type Data } from './data.js';
import type { FromWorker, ToWorker } from './messages.js';
import { train, type RunControl } from './train.js';

const page = self as unknown as {
  postMessage(message: FromWorker): void;
  onmessage: ((event: MessageEvent<ToWorker>) => void) | null;
};
// Any loss may be tried on the soft labels of the page, even the hinge loss, which needs hard labels.
checkValues('never');

const tell = (message: FromWorker) => page.postMessage(message);
const fail = (error: unknown) =>
  tell({ type: 'failed', message: error instanceof Error ? error.message : String(error) });

let data: Promise<Data> | undefined;
let control: RunControl | undefined;
let resume = () => {};

async function look(): Promise<void> {
  const [backends, { test }] = await Promise.all([availableBackends(), (data ??= loadData())]);
  tell({ type: 'found', backends, shown: test.filter((_, i) => i % 2 === 0) });
}

page.onmessage = ({ data: message }) => {
  switch (message.type) {
    case 'look':
      look().catch(fail);
      break;
    case 'start': {
      const own: RunControl = { stopped: false, resumed: Promise.resolve() };
      control = own;
      (data ??= loadData()).then((slices) => train(slices, message.plan, own, tell)).catch(fail);
      break;
    }
    case 'pause':
      if (control) control.resumed = new Promise((resolve) => (resume = resolve));
      break;
    case 'resume':
      resume();
      break;
    case 'stop':
      if (control) control.stopped = true;
      resume();
      break;
  }
};
