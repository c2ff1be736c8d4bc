// SPDX-License-Identifier: Apache-2.0
// record.mjs - seeds from real clients: what they send is recorded on its way
// to a broker and cut into inputs of the fuzz targets.
//
//     PARLEYD=build/release/broker/parleyd node tests/fuzz/record.mjs FOLDER
//
// writes FOLDER/<target>/recorded-<digest>.  Clients: the official JavaScript SDK in
// both encodings, on ws of Node (with and without permessage-deflate) and in
// a headless Chromium; fetch, http and, where they are there, curl and Python
// to the admin server.  What is the same but for keys and masks comes once.
// Merge the result with `-merge=1`, as README.md says.
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { connect as dial, createServer } from 'node:net';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { inflateRawSync, constants } from 'node:zlib';
import { API_KEY, Broker } from '../integration/js/broker.mjs';
import { WebSocket, load, nodeModules, token } from
    '../integration/js/harness.mjs';
import { startBrowser } from '../integration/js/page.mjs';

// The secret of the simulated broker, so that it lets the recorded ones in.
const SECRET = 'the-secret-of-the-simulation-is-long-enough';
const folder = process.argv[2];
if (!folder) throw new Error('usage: record.mjs FOLDER');

const written = new Set();

function seed(target, name, ...parts) {
    const bytes = Buffer.concat(parts.map((part) => Buffer.from(part)));
    const digest = createHash('sha1').update(name ?? bytes).digest('hex');
    if (bytes.length > 8192 || written.has(target + digest)) return;
    written.add(target + digest);
    mkdirSync(join(folder, target), { recursive: true });
    writeFileSync(
        join(folder, target, `recorded-${digest.slice(0, 8)}`), bytes);
}

// --- What a client of the broker said ---

// The frames in `bytes`: {first, payload, bytes}.
function frames(bytes) {
    const all = [];
    for (let at = 0; at + 6 <= bytes.length;) {
        const begin = at;
        const first = bytes[at];
        let length = bytes[at + 1] & 127;
        at += 2;
        if (length === 126) {
            length = bytes.readUInt16BE(at);
            at += 2;
        } else if (length === 127) {
            length = Number(bytes.readBigUInt64BE(at));
            at += 8;
        }
        const mask = bytes.subarray(at, at + 4);
        at += 4;
        const payload = Buffer.from(bytes.subarray(at, at + length));
        for (let i = 0; i < payload.length; i++) payload[i] ^= mask[i & 3];
        at += length;
        all.push({ first, payload, bytes: bytes.subarray(begin, at) });
    }
    return all;
}

const inflate = (payload) => inflateRawSync(
    Buffer.concat([payload, Buffer.from([0, 0, 0xff, 0xff])]),
    { finishFlush: constants.Z_SYNC_FLUSH });

function splitMessage({ first, payload, bytes }, deflates) {
    const kind = 1 + 2 + (deflates ? 16 : 0); // masked, large limit
    let message = payload;
    if (first & 0x40) {
        seed('ws_deflate', null, [5], payload);
        message = inflate(payload);
    }
    seed('ws_decoder', `${first}${message}`, [kind], bytes);
    if ((first & 15) === 1) seed('command_json', null, message);
    if ((first & 15) === 2) seed('command_protobuf', null, message);
}

// A program of fuzz_connection: a raw connection, its bytes as they came.
function program(name, chunks, deflates) {
    const OPEN_BARE = 8;
    const [OPEN, WIRE, UP, REST] = [0, 5, 7, 15];
    const steps = [[1, deflates ? 2 : 0, OPEN, OPEN_BARE]];
    for (const chunk of chunks) {
        for (let at = 0; at < chunk.length; at += 255) {
            const part = chunk.subarray(at, at + 255);
            steps.push([WIRE, part.length], part);
        }
        steps.push([UP, 0, REST, 0]);
    }
    seed('connection', name, ...steps);
}

function splitConnection(chunks) {
    const bytes = Buffer.concat(chunks);
    const end = bytes.indexOf('\r\n\r\n') + 4;
    const head = bytes.subarray(0, end).toString('latin1');
    const offer = /^sec-websocket-extensions: (.*)$/im.exec(head);
    const about = head.replace(/^sec-websocket-key:.*$/im, '')
        .replace(/127\.0\.0\.1:\d+/g, '');
    seed('ws_handshake', about, head);
    if (offer) seed('ws_deflate', null, [0], offer[1].trim());
    const all = frames(bytes.subarray(end));
    for (const frame of all) splitMessage(frame, Boolean(offer));
    program(`${about}${all.map(({ payload }) => payload.length)}`, chunks,
        Boolean(offer));
}

function splitRequest(chunks) {
    const bytes = Buffer.concat(chunks).toString('latin1')
        .replaceAll(API_KEY, 'sesame').replace(/127\.0\.0\.1:\d+/g, 'x');
    seed('admin_http', null, [0, 0], Buffer.from(bytes, 'latin1'));
}

// --- Recording ---

// A proxy to the port; each connection's bytes go to `split` at its end.
async function tap(port, split) {
    const ended = [];
    const server = createServer((client) => {
        const chunks = [];
        const broker = dial(port, '127.0.0.1');
        client.on('data', (data) => chunks.push(data));
        client.pipe(broker).pipe(client);
        for (const socket of [client, broker])
            socket.on('error', () => {
                client.destroy();
                broker.destroy();
            });
        ended.push(new Promise((done) => client.on('close', () => {
            if (chunks.length > 0) split(chunks);
            done();
        })));
    });
    await new Promise((done) => server.listen(0, '127.0.0.1', done));
    return {
        port: server.address().port,
        async stop() {
            server.close();
            await Promise.all(ended);
        },
    };
}

// --- Clients ---

// Runs in Node and, as text, in the browser.
async function talk(Centrifuge, options, url, pack, jwt, cut) {
    const wait = (emitter, event) =>
        new Promise((done) => emitter.once(event, done));
    const client = new Centrifuge(url, {
        token: jwt, data: pack({ a: [1, 'x'] }), name: 'recorded',
        version: '1.0', minReconnectDelay: 10, maxReconnectDelay: 20,
        ...options,
    });
    client.on('error', () => {});
    const connected = wait(client, 'connected');
    client.connect();
    await connected;
    const sub = client.newSubscription('room:a', {
        positioned: true, recoverable: true, joinLeave: true,
    });
    const subscribed = wait(sub, 'subscribed');
    sub.subscribe();
    await subscribed;
    const calls = [
        () => sub.publish(pack({ n: 1, text: 'h\u00e9llo \u{1F600} "\\/' })),
        () => sub.publish(pack({ text: 'again and again '.repeat(40) })),
        () => sub.presence(), () => sub.presenceStats(),
        () => sub.history({ limit: 10, reverse: true }),
        () => sub.history({ limit: -1, since: { offset: 1, epoch: 'x' } }),
        () => client.rpc('now', pack({})), () => client.rpc('sys.whoami', null),
        () => client.rpc('actor.send',
            pack({ to: 'user/u1', type: 't', body: { n: 1 } })),
        () => client.publish('c', pack([1, 2.5e-3, null, true])),
        () => client.send(pack({ type: 'now' })),
    ];
    client.startBatching();
    const first = calls.slice(0, 4).map((call) => call().catch(() => {}));
    client.stopBatching();
    await Promise.all(first);
    for (const call of calls) await call().catch(() => {});
    const again = wait(sub, 'subscribed');
    if (cut) {
        cut();
        await again;
    }
    sub.unsubscribe();
    // No event tells of a ping; one comes each second (ping.interval).
    await new Promise((done) => setTimeout(done, 1500));
    client.disconnect();
}

async function nodeClients(url) {
    for (const name of ['centrifuge', 'centrifuge/build/protobuf']) {
        const { Centrifuge } = load(name);
        const binary = name.endsWith('protobuf');
        const pack = (value) => (binary
            ? new TextEncoder().encode(JSON.stringify(value)) : value);
        for (const perMessageDeflate of [false, { threshold: 100 }]) {
            let socket;
            class Socket extends WebSocket {
                constructor(to, protocols) {
                    super(to, protocols, { perMessageDeflate });
                    socket = this;
                }
            }
            await talk(Centrifuge, { websocket: Socket }, url, pack,
                token({ sub: 'u1' }, SECRET), () => socket.terminate());
        }
    }
}

async function browserClient(url, adminUrl) {
    const browser = await startBrowser();
    const page = await browser.newPage();
    await page.goto(`${adminUrl}/health`);
    await page.addScriptTag(
        { path: join(nodeModules, 'centrifuge/dist/centrifuge.js') });
    await page.evaluate(`(${talk})(Centrifuge, {}, ${JSON.stringify(url)},
        (value) => value, ${JSON.stringify(token({ sub: 'u2' }, SECRET))},
        null)`);
    await browser.stop();
}

const run = promisify(execFile);

async function adminClients(port) {
    const url = `http://127.0.0.1:${port}`;
    const key = { 'X-API-Key': API_KEY };
    const body = JSON.stringify({ channel: 'c', data: { n: 1 } });
    for (const path of ['/health', '/status', '/metrics'])
        await (await fetch(url + path, { headers: key })).text();
    await (await fetch(`${url}/api/publish`,
        { method: 'POST', headers: key, body })).text();
    await new Promise((done) => {
        const req = request(`${url}/api/history`, {
            method: 'POST',
            headers: { Authorization: `apikey ${API_KEY}` },
        }, (res) => res.resume().on('end', done));
        req.write('{"channel":"c",'); // in chunks
        req.end('"limit":5}');
    });
    const others = [
        ['curl', '-s', '-m', '5', '-H', `X-API-Key: ${API_KEY}`, '-d', body,
            `${url}/api/publish`],
        ['curl', '-s', '-m', '1', '-H', `X-API-Key: ${API_KEY}`,
            `${url}/sub?channel=c&channel=a%20b`],
        ['python3', '-c', `import urllib.request as u
u.urlopen(u.Request('${url}/api/info', b'{}', {'X-API-Key': '${API_KEY}'}))`],
    ];
    for (const [program_, ...args] of others)
        await run(program_, args).catch(() => {});
}

const broker = await Broker.start({
    'websocket.deflate': 'true', 'auth.hmac_secret': SECRET,
    'ping.interval': '1s', 'ping.timeout': '500ms',
    'websocket.allowed_origins': '[http://127.0.0.1:*]',
});
const sockets = await tap(broker.port, splitConnection);
const admin = await tap(broker.adminPort, splitRequest);
const url = `ws://127.0.0.1:${sockets.port}/connection/websocket`;
await nodeClients(url);
await browserClient(url, `http://127.0.0.1:${admin.port}`);
await adminClients(admin.port);
await sockets.stop(); // when all connections have ended
await admin.stop();
await broker.dispose();
console.log(`${written.size} seeds in ${folder}`);
