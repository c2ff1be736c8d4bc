// SPDX-License-Identifier: Apache-2.0
// server.mjs - serves the chat page on loopback: node server.mjs PORT
// ENDPOINT NODE_MODULES.
//
// It knows every file it serves by name and maps no request onto the file
// system, so there is no path to escape from.  The SDK's browser bundle comes
// straight from the npm package, unchanged.  Everything else that a broker's
// page needs to know, the WebSocket endpoint, is asked at /endpoint.json.
import { createServer } from 'node:http';
import { readFileSync } from 'node:fs';
import { join, dirname } from 'node:path';
import { fileURLToPath } from 'node:url';

const [port, endpoint, modules] = process.argv.slice(2);
if (!modules) {
    console.error('usage: node server.mjs PORT ENDPOINT NODE_MODULES');
    process.exit(2);
}

const here = dirname(fileURLToPath(import.meta.url));
const js = 'text/javascript; charset=utf-8';
const file = (type, ...path) => ({ type, body: readFileSync(join(...path)) });
const files = {
    '/': file('text/html; charset=utf-8', here, 'index.html'),
    '/style.css': file('text/css; charset=utf-8', here, 'style.css'),
    '/app.js': file(js, here, 'app.js'),
    '/room.js': file(js, here, 'room.js'),
    '/view.js': file(js, here, 'view.js'),
    '/links.js': file(js, here, 'links.js'),
    '/moves.js': file(js, here, 'moves.js'),
    '/store.js': file(js, here, 'store.js'),
    '/icon.svg': file('image/svg+xml', here, 'icon.svg'),
    '/centrifuge.js': file(js, modules, 'centrifuge/dist/centrifuge.js'),
    '/endpoint.json': {
        type: 'application/json',
        body: JSON.stringify({ endpoint }),
    },
};

// Nothing but our own files and our own broker: text that somebody sends can
// neither load nor run anything, whatever the page might do wrong with it.
const headers = {
    'Content-Security-Policy':
        "default-src 'none'; script-src 'self'; style-src 'self'; " +
        `img-src 'self'; connect-src 'self' ${new URL(endpoint).origin}; ` +
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    'X-Content-Type-Options': 'nosniff',
    'Referrer-Policy': 'no-referrer',
    'Cache-Control': 'no-cache',
};

function answer(res, status, type, body, withBody) {
    res.writeHead(status, {
        ...headers,
        'Content-Type': type,
        'Content-Length': Buffer.byteLength(body),
    });
    res.end(withBody ? body : undefined);
}

const server = createServer((req, res) => {
    const path = req.url.split('?', 1)[0];
    const withBody = req.method !== 'HEAD';
    const found = Object.hasOwn(files, path) ? files[path] : undefined;
    if (req.method !== 'GET' && req.method !== 'HEAD')
        answer(res, 405, 'text/plain', 'only GET and HEAD\n', withBody);
    else if (!found)
        answer(res, 404, 'text/plain', 'no such page\n', withBody);
    else answer(res, 200, found.type, found.body, withBody);
});

server.on('error', (error) => {
    const taken = error.code === 'EADDRINUSE';
    console.error(taken ? `port ${port} is taken` : String(error));
    process.exit(1);
});
server.listen(Number(port), '127.0.0.1', () => {
    console.log(`page http://127.0.0.1:${server.address().port}/`);
});
process.on('SIGTERM', () => {
    server.close();
    server.closeAllConnections();
});
