import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { Page } from 'playwright-core';
import { desktop, phone, start, stop, visit, type Part } from './browser.js';

/** Screenshots, to be looked at. */
const SHOTS = join(__dirname, '../../node_modules/.cache/softseg/playground');
const PARTS: Part[] = ['relaxations', 'losses', 'training'];

beforeAll(async () => {
  mkdirSync(SHOTS, { recursive: true });
  await start();
});
afterAll(stop);

/** Waits until everything is drawn; of training a moment of it. */
async function fill(page: Page, part: Part): Promise<void> {
  if (part === 'training') {
    await page.waitForFunction(() => document.querySelector('.status')!.textContent.startsWith('Ready'));
    await page.getByRole('button', { name: 'Train' }).click();
    await page.waitForFunction(() => document.querySelector('.status')!.textContent.startsWith('Epoch 2'));
  } else await page.waitForTimeout(1500);
}

/** Text whose contrast with what is behind it is below 4.5 (3 where it is large), as WCAG counts. */
const poorContrast = (page: Page) =>
  page.evaluate(() => {
    const canvas = document.createElement('canvas').getContext('2d', { willReadFrequently: true })!;
    const rgb = (colour: string) => {
      canvas.clearRect(0, 0, 1, 1);
      canvas.fillStyle = colour;
      canvas.fillRect(0, 0, 1, 1);
      return [...canvas.getImageData(0, 0, 1, 1).data];
    };
    const light = (colour: number[]) => {
      const [r, g, b] = colour.slice(0, 3).map((part) => {
        const share = part / 255;
        return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
      }) as [number, number, number];
      return 0.2126 * r + 0.7152 * g + 0.0722 * b;
    };
    const behind = (element: Element | null): number[] => {
      if (!element) return [255, 255, 255];
      const colour = rgb(getComputedStyle(element).backgroundColor);
      return colour[3] === 255 ? colour : behind(element.parentElement);
    };
    const found: string[] = [];
    const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    while (texts.nextNode()) {
      const element = texts.currentNode.parentElement!;
      const text = texts.currentNode.textContent!.trim();
      if (!text || !element.checkVisibility() || element.closest('.unseen, :disabled, [hidden], .skip')) continue;
      const style = getComputedStyle(element);
      const inSvg = element instanceof SVGElement;
      const [a, b] = [light(rgb(inSvg ? style.fill : style.color)), light(behind(element))];
      const contrast = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
      if (contrast < (parseFloat(style.fontSize) >= 24 ? 3 : 4.5)) found.push(`${text}: ${contrast.toFixed(2)}`);
    }
    return found;
  });

describe.each([
  ['desktop', 'light', desktop],
  ['desktop', 'dark', desktop],
  ['phone', 'light', phone],
  ['phone', 'dark', phone],
] as const)('on a %s in %s colours', (device, colorScheme, viewport) => {
  test.each(PARTS)('%s fits, can be read, and stays where it is', async (part) => {
    const { page, troubles } = await visit(part, {
      viewport,
      colorScheme,
      deviceScaleFactor: device === 'phone' ? 2 : 1,
    });
    await page.evaluate(() => {
      const shifts: number[] = [];
      Object.assign(window, { shifts });
      new PerformanceObserver((list) => {
        for (const entry of list.getEntries() as (PerformanceEntry & { value: number; hadRecentInput: boolean })[]) {
          if (!entry.hadRecentInput) shifts.push(entry.value);
        }
      }).observe({ type: 'layout-shift', buffered: true });
    });
    await fill(page, part);
    await page.screenshot({ path: join(SHOTS, `${part}-${device}-${colorScheme}.png`), fullPage: true });
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(viewport.width);
    expect(await poorContrast(page)).toEqual([]);
    const shifts = await page.evaluate(() => (window as unknown as { shifts: number[] }).shifts);
    expect(shifts.reduce((sum, value) => sum + value, 0)).toBeLessThan(0.01);
    expect(troubles).toEqual([]);
    await page.close();
  });
});

test('the parts are reached by keyboard, with focus, title and address', async () => {
  const { page, troubles } = await visit('relaxations');
  await page.keyboard.press('Tab');
  expect(await page.evaluate(() => document.activeElement!.textContent)).toBe('Skip to the content');
  for (const [presses, title] of [
    [2, 'Losses'],
    [3, 'Training'],
  ] as const) {
    await page.locator('.skip').focus();
    for (let i = 0; i < presses; i++) await page.keyboard.press('Tab');
    expect(await page.evaluate(() => document.activeElement!.textContent)).toBe(title);
    await page.keyboard.press('Enter');
    await page.waitForFunction(
      (name) => document.activeElement?.textContent === name && document.activeElement.tagName === 'H1',
      title,
    );
    expect(await page.title()).toBe(`${title} · softseg playground`);
    expect(new URL(page.url()).hash).toBe(`#/${title.toLowerCase()}`);
    expect(await page.locator('nav [aria-current=page]').allTextContents()).toEqual([title]);
  }
  await page.goBack();
  expect(await page.getByRole('heading', { level: 1 }).textContent()).toBe('Losses');
  await page.locator('.skip').focus();
  await page.keyboard.press('Enter');
  expect(await page.evaluate(() => document.activeElement!.id)).toBe('main');
  expect(troubles).toEqual([]);
  await page.close();
});

test.each(PARTS)('%s: whatever takes focus has a name and shows that it has it', async (part) => {
  const { page } = await visit(part);
  await fill(page, part);
  const faults = await page.evaluate(() => {
    const all = [...document.querySelectorAll<HTMLElement>('a, button, input, select, summary, [tabindex="0"]')];
    return all
      .filter((element) => element.checkVisibility() && !element.matches(':disabled'))
      .flatMap((element) => {
        const labels = 'labels' in element ? [...((element as HTMLInputElement).labels ?? [])] : [];
        const labelledBy = document.getElementById(element.getAttribute('aria-labelledby') ?? '');
        const name =
          element.getAttribute('aria-label') ??
          labelledBy?.textContent ??
          (labels.length > 0 ? labels.map((label) => label.textContent).join() : element.textContent);
        const outlined = () =>
          [element, element.closest('.segments')].some((one) => one && getComputedStyle(one).outlineStyle !== 'none');
        element.focus({ focusVisible: true } as FocusOptions);
        return name.trim() && outlined() ? [] : [`${element.outerHTML.slice(0, 120)} named '${name}'`];
      });
  });
  expect(faults).toEqual([]);
  const pictures = await page.locator('svg[role=img]:visible, canvas[role=img]:visible').all();
  for (const picture of pictures) expect(await picture.getAttribute('aria-label')).toMatch(/\w+/);
  const silent = page.locator('canvas:visible:not([role=img]):not([aria-hidden=true])');
  expect(await silent.count()).toBe(0);
  await page.close();
});
