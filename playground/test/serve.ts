/** The built page from a plain static server, below a path of its own as on a site that has other pages too. */
import { existsSync, readFileSync, statSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { extname, join, normalize } from 'node:path';

const FOLDER = join(__dirname, '../dist');
const BELOW = '/some/where/';
const TYPES: Record<string, string> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript',
  '.css': 'text/css',
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
  '.wasm': 'application/wasm',
  '.txt': 'text/plain; charset=utf-8',
};

export interface Site {
  address: string;
  close(): void;
}

export async function serve(): Promise<Site> {
  if (!existsSync(join(FOLDER, 'index.html'))) throw new Error(`${FOLDER}: run npm run build -w playground first`);
  const server = createServer((request, response) => {
    const path = normalize(new URL(request.url!, 'http://localhost').pathname);
    const file = join(FOLDER, path === BELOW ? 'index.html' : path.slice(BELOW.length));
    if (!path.startsWith(BELOW) || !existsSync(file) || !statSync(file).isFile()) {
      response.writeHead(404).end();
      return;
    }
    response.writeHead(200, { 'content-type': TYPES[extname(file)] }).end(readFileSync(file));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return { address: `http://127.0.0.1:${port}${BELOW}`, close: () => void server.close() };
}
