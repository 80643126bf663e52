/** Trains beside the page, so that the page stays quick. */
import { checkValues } from 'softseg';
import { backendsThere } from './backends.js';
import { loadData, type Data } from './data.js';
import type { FromWorker, ToWorker } from './messages.js';
import { train, type Reins } from './train.js';

const page = self as unknown as {
  postMessage(message: FromWorker): void;
  onmessage: ((event: MessageEvent<ToWorker>) => void) | null;
};
// Any loss may be tried on the soft labels of the page, also the hinge, which takes hard ones.
checkValues('never');

const tell = (message: FromWorker) => page.postMessage(message);
const fail = (error: unknown) =>
  tell({ type: 'failed', message: error instanceof Error ? error.message : String(error) });

let data: Promise<Data> | undefined;
let reins: Reins | undefined;
let goOn = () => {};

async function look(): Promise<void> {
  const [backends, { test }] = await Promise.all([backendsThere(), (data ??= loadData())]);
  tell({ type: 'found', backends, shown: test.filter((_, i) => i % 2 === 0) });
}

page.onmessage = ({ data: message }) => {
  switch (message.type) {
    case 'look':
      look().catch(fail);
      break;
    case 'start': {
      const mine: Reins = { stopped: false, mayGoOn: Promise.resolve() };
      reins = mine;
      (data ??= loadData()).then((slices) => train(slices, message.plan, mine, tell)).catch(fail);
      break;
    }
    case 'pause':
      if (reins) reins.mayGoOn = new Promise((resolve) => (goOn = resolve));
      break;
    case 'resume':
      goOn();
      break;
    case 'stop':
      if (reins) reins.stopped = true;
      goOn();
      break;
  }
};
