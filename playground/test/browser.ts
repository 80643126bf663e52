/** The built page in a browser, which notes what goes wrong. */
import type { Browser, BrowserContextOptions, Page } from 'playwright-core';
import { launch } from '../../test/browser/launch.cjs';
import { serve, type Site } from './serve.js';

let site: Site;
let browser: Browser;

export const start = async () => {
  site = await serve();
  browser = await launch();
};

export const stop = async () => {
  await browser?.close();
  site?.close();
};

export type Part = 'relaxations' | 'losses' | 'training';

export interface Visit {
  page: Page;
  /** Errors, warnings, failed requests and requests to elsewhere, one a line. */
  troubles: string[];
}

export const desktop = { width: 1280, height: 900 };
export const phone = { width: 360, height: 740 };

export async function visit(part: Part, options: BrowserContextOptions = {}): Promise<Visit> {
  const page = await browser.newPage({ viewport: desktop, ...options });
  const troubles: string[] = [];
  page.on('console', (message) => {
    if (['error', 'warning'].includes(message.type())) troubles.push(`${message.type()}: ${message.text()}`);
  });
  page.on('pageerror', (error) => troubles.push(error.stack ?? error.message));
  page.on('request', (request) => {
    if (!/^(data|blob):/.test(request.url()) && !request.url().startsWith(site.address)) troubles.push(request.url());
  });
  page.on('response', (response) => {
    if (!response.ok()) troubles.push(`${response.status()} ${response.url()}`);
  });
  await page.goto(`${site.address}#/${part}`);
  await page.getByRole('heading', { level: 1 }).waitFor();
  return { page, troubles };
}

/** Numbers of the page use the minus sign. */
export const numberOf = (text: string | null) => Number((text ?? '').trim().replaceAll('−', '-'));

/** Waits until the page has drawn what was changed: it draws in the next frame, and some parts in the one after. */
export const settle = (page: Page): Promise<void> =>
  page.evaluate(async () => {
    for (let frame = 0; frame < 3; frame++) await new Promise((done) => requestAnimationFrame(done));
    await new Promise((done) => setTimeout(done));
  });
