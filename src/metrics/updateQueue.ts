import { fail } from '../checks.js';

/** The updates of an accumulator whose values are still being read. They are taken in the order of their calls. */
export class UpdateQueue {
  private count = 0;
  private last: Promise<unknown> = Promise.resolve();

  /** Throws if an update is still being read. */
  checkSettled(): void {
    if (this.count === 0) return;
    const are = this.count === 1 ? 'is' : 'are';
    fail(`needs all updates, and ${this.count} of them ${are} still being read: await updateAsync first`);
  }

  /** Passes the values to `take` once they are read, and every earlier update has been taken or refused. */
  add<T>(read: Promise<T>, take: (values: T) => void): Promise<void> {
    this.count++;
    const before = this.last;
    const run = async () => {
      try {
        const values = await read;
        await before;
        take(values);
      } finally {
        this.count--;
      }
    };
    const done = run();
    this.last = done.catch(() => before);
    return done;
  }
}
