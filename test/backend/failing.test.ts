/** Each operation of an installation that changes the cache fails in turn, as on a full or read-only disk. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { existsSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { damageIn } from '../../src/backend/provision/seal.js';
import { wholeCorpus } from '../damage/damaged.js';
import { failingWrites, type Failing, type FailingWrites } from '../damage/failingWrites.js';
import { makeFakeProject, type FakeProject } from './fakes.js';

// The tests start processes, possibly on busy machines.
jest.setTimeout(1_800_000);

let failing: FailingWrites;
let project: FakeProject;
beforeAll(() => {
  failing = failingWrites();
});
afterAll(() => failing.remove());
beforeEach(() => {
  project = makeFakeProject();
});
afterEach(() => project.remove());

/** No process of an installation makes more operations than this; each process counts its own. */
const MOST = 60;
const places = Array.from({ length: MOST }, (_, i) => i + 1).filter((at) => wholeCorpus || at % 12 === 1);
const ways: [Failing, 'ENOSPC' | 'EROFS' | 'EIO'][] = wholeCorpus
  ? [
      ['from', 'ENOSPC'],
      ['from', 'EROFS'],
      ['once', 'EIO'],
      ['short', 'ENOSPC'],
    ]
  : [
      ['from', 'ENOSPC'],
      ['once', 'EIO'],
    ];
const cases = ways.flatMap(([how, error]) => places.map((at) => ({ at, how, error })));

async function installFailing({ at, how, error }: (typeof cases)[number]): Promise<boolean> {
  const { code, out, err } = await project.install({}, failing.env(project.cache, at, how, error));
  expect({ at, how, error, code, err }).toEqual({ at, how, error, code: 0, err: '' });
  const [, name, said = ''] = /^failure (\S+) (.*)$/m.exec(out) ?? [];
  if (name === undefined) expect(out).toMatch(/^result /m);
  else {
    expect(name).toBe('InstallError');
    expect(said).toMatch(/^\w+ .{20}/);
  }
  return name === undefined;
}

const entries = () => readdirSync(project.cache).filter((name) => /^(tfjs-node|tiny|softseg-op)-/.test(name));

async function expectWhole(): Promise<void> {
  for (const name of entries()) expect({ name, damage: await damageIn(join(project.cache, name)) }).toEqual({ name });
}

describe('a write that fails, each in turn', () => {
  test('ends in an error that says so, leaves nothing half-made behind, and the next run succeeds', async () => {
    let failures = 0;
    for (const one of cases) {
      rmSync(project.cache, { recursive: true, force: true });
      rmSync(join(project.packageFolder, 'lib'), { recursive: true, force: true });
      if (!(await installFailing(one))) failures++;
      if (existsSync(project.cache)) await expectWhole();
      const { out } = await project.install();
      expect({ ...one, out }).toEqual({ ...one, out: expect.stringMatching(/"kernels":"fused native"/) });
      await expectWhole();
      expect(readdirSync(join(project.cache, 'staging'))).toEqual([]);
    }
    expect(failures).toBeGreaterThan(cases.length / 4);
  });

  test('never damages an existing installation', async () => {
    await project.install();
    const before = entries();
    for (const one of cases) {
      // The link is missing, as after `npm ci`, and the op is damaged.
      rmSync(join(project.packageFolder, 'lib'), { recursive: true, force: true });
      const op = join(
        project.cache,
        entries().find((name) => name.startsWith('softseg-op'))!,
        'softseg_op.node',
      );
      writeFileSync(op, 'an op that ru');
      await installFailing(one);
      for (const name of before.filter((entry) => !entry.startsWith('softseg-op'))) {
        expect({ ...one, name, damage: await damageIn(join(project.cache, name)) }).toEqual({ ...one, name });
      }
      const { out } = await project.install();
      expect({ ...one, out }).toEqual({ ...one, out: expect.stringMatching(/"kernels":"fused native"/) });
      expect(entries()).toEqual(before);
    }
    expect(project.calls('pip')).toHaveLength(1);
  });
});
