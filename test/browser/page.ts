/** A test file in a page, in a browser of its own. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { basename, join, resolve } from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { launch } from './launch.cjs';

/** The constants that jest's project defines and test files declare. */
export interface Names {
  TEST_BACKEND: string;
  TEST_KERNELS: string;
  TEST_SIZES: string;
  TEST_CASES: string;
  /** Cross-origin isolated: only then may wasm have threads. */
  TEST_ISOLATED: boolean;
  /** Textures of float16. */
  TEST_HALF: boolean;
}

export interface OpenPage {
  page: Page;
  /** Errors so far outside of any test. */
  errors: string[];
  close(): Promise<void>;
}

const html =
  '<!doctype html><meta charset="utf-8"><title>softseg</title><script src="/expect.js"></script>' +
  '<script src="/suite.js"></script>';
const isolation = {
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Embedder-Policy': 'require-corp',
};
const wasmFolder = resolve(__dirname, '../../node_modules/@tensorflow/tfjs-backend-wasm/dist');

export async function openPage(file: string, names: Names): Promise<OpenPage> {
  const folder = mkdtempSync(join(tmpdir(), 'softseg-page-'));
  let server: Server | undefined;
  let browser: Browser | undefined;
  const close = async () => {
    await browser?.close();
    server?.close();
    rmSync(folder, { recursive: true, force: true });
  };
  try {
    execFileSync(process.execPath, [join(__dirname, 'bundle.mjs'), folder, file, JSON.stringify(names)]);
    server = await serve(folder, names.TEST_ISOLATED ? isolation : {});
    browser = await launch();
    const page: Page = await browser.newPage();
    const errors: string[] = [];
    page.on('pageerror', (error) => errors.push(String(error.stack)));
    page.on('crash', () => errors.push('the page has crashed'));
    page.on('console', (message) => {
      if (message.type() === 'error') errors.push(message.text());
      if (message.type() === 'info') process.stdout.write(`${message.text()}\n`);
    });
    await page.goto(`http://localhost:${(server.address() as AddressInfo).port}/`);
    return { page, errors, close };
  } catch (error) {
    await close();
    throw error;
  }
}

/** Serves the page, its scripts, and tfjs's wasm files. */
async function serve(folder: string, headers: Record<string, string>): Promise<Server> {
  const types: Record<string, string> = { js: 'text/javascript', wasm: 'application/wasm' };
  const server = createServer(({ url = '/' }, response) => {
    if (url === '/') return void response.writeHead(200, { ...headers, 'Content-Type': 'text/html' }).end(html);
    const from = url.startsWith('/wasm/') ? wasmFolder : folder;
    try {
      const content = readFileSync(join(from, basename(url)));
      response
        .writeHead(200, { ...headers, 'Content-Type': types[url.split('.').pop()!] ?? 'text/plain' })
        .end(content);
    } catch {
      response.writeHead(url === '/favicon.ico' ? 204 : 404).end();
    }
  });
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  return server;
}
