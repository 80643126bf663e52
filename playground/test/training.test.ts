import { afterAll, beforeAll, expect, test } from '@jest/globals';
import type { Page } from 'playwright-core';
import { numberOf, start, stop, visit } from './browser.js';

beforeAll(start);
afterAll(stop);

const status = (page: Page) => page.locator('.status');
const until = (page: Page, pattern: RegExp) =>
  page.waitForFunction(
    (source) => new RegExp(source).test(document.querySelector('.status')!.textContent),
    pattern.source,
    {
      timeout: 120_000,
    },
  );
const figure = async (page: Page, name: string) =>
  (await page.locator('.figures div', { hasText: name }).locator('dd').textContent())!;
const key = (page: Page, name: string) => page.getByRole('button', { name, exact: true }).press('Enter');

test('trains on wasm by keyboard, pauses, resumes, learns, and leaves no tensor behind', async () => {
  const { page, troubles } = await visit('training');
  await until(page, /^Ready/);
  await page.getByRole('slider', { name: 'epochs' }).focus();
  await page.keyboard.press('Home');
  await page.keyboard.press('ArrowRight');
  await page.keyboard.press('ArrowRight');
  expect(await page.locator('.code:visible pre').textContent()).toContain('epochs: 3');
  await key(page, 'Train');
  await until(page, /^Epoch 1/);
  const held = await figure(page, 'tensors in memory');
  await key(page, 'Pause');
  await page.waitForTimeout(1500);
  const paused = await figure(page, 'step');
  await page.waitForTimeout(1500);
  expect(await figure(page, 'step')).toBe(paused);
  expect(await page.getByRole('slider', { name: 'epochs' }).isDisabled()).toBe(true);
  await key(page, 'Resume');
  await until(page, /^Epoch 2/);
  expect(await figure(page, 'tensors in memory')).toBe(held);
  await until(page, /^Done/);
  expect(await status(page).textContent()).toBe('Done: 24 steps on wasm, 0 tensors leaked.');
  expect(await figure(page, 'step')).toBe('24/24');
  expect(numberOf(await figure(page, 'soft IoU'))).toBeGreaterThan(0.45);
  expect(await page.getByRole('img', { name: /^Prediction, block 2/ }).getAttribute('aria-label')).toMatch(
    /grey matter/,
  );
  expect(troubles).toEqual([]);
  await page.close();
});

test.each(['webgl', 'webgpu'])('starts and stops on %s', async (backend) => {
  const { page, troubles } = await visit('training');
  await until(page, /^Ready/);
  await page.getByRole('radio', { name: backend }).check({ force: true });
  await page.getByRole('slider', { name: 'epochs' }).press('Home');
  await key(page, 'Train');
  await page.waitForFunction(() => /^[1-9]/.test(document.querySelector('.figures dd')!.textContent));
  await key(page, 'Stop');
  await until(page, /^Stopped/);
  expect(await status(page).textContent()).toMatch(new RegExp(`^Stopped: \\d+ steps on ${backend}, 0 tensors leaked`));
  expect(troubles.filter((trouble) => !/GPU stall|GL Driver Message/.test(trouble))).toEqual([]);
  await page.close();
});

test('any loss trains a step on wasm, and another can follow', async () => {
  const { page, troubles } = await visit('training');
  await until(page, /^Ready/);
  await page.getByRole('slider', { name: 'epochs' }).press('Home');
  const names = await page.getByLabel('Loss', { exact: true }).locator('option').allTextContents();
  expect(names).toHaveLength(16);
  for (const name of names) {
    await page.getByLabel('Loss', { exact: true }).selectOption(name);
    await key(page, 'Train');
    await page.waitForFunction(() => /^[1-9]/.test(document.querySelector('.figures dd')!.textContent));
    await key(page, 'Stop');
    await until(page, /^(Stopped|Done)/);
    expect(await status(page).textContent()).toContain('0 tensors leaked');
    expect(Number.isFinite(numberOf(await figure(page, 'loss')))).toBe(true);
  }
  expect(troubles).toEqual([]);
  await page.close();
});
