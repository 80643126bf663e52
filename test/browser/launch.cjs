'use strict';
/**
 * A headless Chromium that npm alone installs, with WebGL and WebGPU running on the processor. npm has none for macOS
 * and Windows, where the installed Chrome runs instead. It is CommonJS so that both jest's tests and plain scripts can
 * load it.
 */
const { execFileSync } = require('node:child_process');
const { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync } = require('node:fs');
const { join } = require('node:path');
const { chromium } = require('playwright-core');

const FLAGS = [
  '--no-sandbox', // Containers run as root.
  '--disable-dev-shm-usage',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  '--use-gl=angle',
  '--use-angle=swiftshader',
  '--enable-unsafe-swiftshader',
  '--enable-unsafe-webgpu',
  '--use-webgpu-adapter=swiftshader',
  // Without a Vulkan compositor, a WebGPU canvas holds zeros; tfjs reads through one in dataSync.
  '--use-vulkan=swiftshader',
  '--enable-features=Vulkan',
  // SwiftShader compiles one store for each zero that WebGPU writes into workgroup memory: seconds for each program.
  '--enable-dawn-features=disable_workgroup_init',
];

/** The browser's folder, unpacked if need be. A run that is killed leaves nothing that looks complete. */
function unpackedBrowser() {
  const modules = join(__dirname, '../../node_modules');
  const { version } = JSON.parse(readFileSync(join(modules, '@sparticuz/chromium/package.json'), 'utf8'));
  const cache = join(modules, '.cache/softseg');
  const folder = join(cache, `chromium-${version}`);
  if (existsSync(folder)) return folder;
  mkdirSync(cache, { recursive: true });
  const partial = mkdtempSync(join(cache, 'partial-'));
  try {
    execFileSync(process.execPath, [join(__dirname, 'unpack.mjs')], { env: { ...process.env, TMPDIR: partial } });
    renameSync(partial, folder);
  } catch (error) {
    rmSync(partial, { recursive: true, force: true });
    if (!existsSync(folder)) throw error; // Another run may have been first.
  }
  return folder;
}

/**
 * @param {import('playwright-core').LaunchOptions} [options]
 * @returns {Promise<import('playwright-core').Browser>}
 */
async function launch(options = {}) {
  const args = [...FLAGS, ...(options.args ?? [])];
  if (process.platform !== 'linux') return chromium.launch({ ...options, channel: 'chrome', args });
  const folder = unpackedBrowser();
  const libraries = [join(folder, 'al2023/lib'), process.env.LD_LIBRARY_PATH].filter(Boolean).join(':');
  return chromium.launch({
    ...options,
    executablePath: join(folder, 'chromium'),
    args,
    env: { ...process.env, LD_LIBRARY_PATH: libraries, ...options.env },
  });
}

module.exports = { launch };
