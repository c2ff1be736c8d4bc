// SPDX-License-Identifier: Apache-2.0
// harness.mjs - what the tests share: the packages under test, in the
// encoding that this run is about, tokens, and ways to wait for something.
//
// PARLEYD        the broker to test
// PARLEY_LOOPS   its number of loops (1)
// PARLEY_ENC     json or protobuf: the build of the SDK (json)
// PARLEY_DEFLATE true: the broker compresses; ws always offers it (false)
// PARLEY_NODE    the folder with node_modules (build/node of the checkout)
import { createHmac } from 'node:crypto';
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import assert from 'node:assert/strict';

export const root = join(dirname(fileURLToPath(import.meta.url)), '../../..');
export const nodeModules = join(
    process.env.PARLEY_NODE ?? join(root, 'build/node'),
    'node_modules'
);

assert.ok(existsSync(nodeModules),
    `no npm packages in ${nodeModules}: run tools/dev deps`);

// The packages lie in the build tree, where `import` would not look.
export const load = createRequire(join(nodeModules, 'x.js'));
export const { WebSocket } = load('ws');

export const protobuf = process.env.PARLEY_ENC === 'protobuf';
const { Centrifuge } = load(
    protobuf ? 'centrifuge/build/protobuf' : 'centrifuge'
);

// Payloads: any JSON on a JSON connection, bytes on a protobuf one.
export const pack = (value) =>
    protobuf ? new TextEncoder().encode(JSON.stringify(value)) : value;
export const unpack = (data) =>
    protobuf ? JSON.parse(new TextDecoder().decode(data)) : data;

const DEADLINE_MS = 30_000; // generous: sanitizers, two cores, other tests

// Waits for `test` to become true; it may be asynchronous.  What it throws
// ends the waiting.
export async function until(test, what, ms = DEADLINE_MS) {
    const end = Date.now() + ms;
    for (;;) {
        const value = await test();
        if (value) return value;
        if (Date.now() > end) assert.fail(`in vain: ${what}`);
        await new Promise((done) => setTimeout(done, 10));
    }
}

// The next event of that name that `test` accepts.
export function next(emitter, event, test = () => true) {
    return new Promise((done, fail) => {
        const timer = setTimeout(() => {
            emitter.off(event, listen);
            fail(new Error(`no event ${event}`));
        }, DEADLINE_MS);
        const listen = (ctx) => {
            if (!test(ctx)) return;
            clearTimeout(timer);
            emitter.off(event, listen);
            done(ctx);
        };
        emitter.on(event, listen);
    });
}

// Everything that comes with an event from now on.
export function collect(emitter, event) {
    const all = [];
    emitter.on(event, (ctx) => all.push(ctx));
    return all;
}

const base64url = (text) => Buffer.from(text).toString('base64url');

export function token(claims, secret) {
    const head = base64url(JSON.stringify({ alg: 'HS256', typ: 'JWT' }));
    const text = `${head}.${base64url(JSON.stringify(claims))}`;
    const mac = createHmac('sha256', secret).update(text);
    return `${text}.${mac.digest('base64url')}`;
}

export const now = () => Math.floor(Date.now() / 1000);

let names = 0;
export const channelName = (stem = 'c') => `${stem}-${++names}`;

// A client of the official SDK.  client.cut() breaks its connection as a
// network does; client.hold() keeps it from coming back until release().
export function makeClient(t, broker, options = {}) {
    const sockets = [];
    let gate = Promise.resolve();
    class Socket extends WebSocket {
        constructor(...args) {
            super(...args);
            sockets.push(this);
        }
    }
    const client = new Centrifuge(broker.url, {
        websocket: Socket,
        timeout: DEADLINE_MS,
        minReconnectDelay: 10,
        maxReconnectDelay: 200,
        getData: async () => {
            await gate;
            return options.data ?? null;
        },
        ...options,
    });
    client.sockets = sockets;
    client.cut = () => sockets.at(-1).terminate();
    client.hold = () => {
        let release;
        gate = new Promise((done) => (release = done));
        return release;
    };
    // Errors on the way are part of what is tested: the events tell.
    client.on('error', () => {});
    t.after(() => client.disconnect());
    return client;
}

export async function connect(t, broker, options) {
    const client = makeClient(t, broker, options);
    const connected = next(client, 'connected');
    client.connect();
    client.id = (await connected).client;
    return client;
}

export async function subscribe(client, channel, options) {
    const sub = client.newSubscription(channel, options);
    const subscribed = next(sub, 'subscribed');
    sub.got = collect(sub, 'publication');
    sub.subscribe();
    sub.reply = await subscribed;
    return sub;
}

export const texts = (publications) =>
    publications.map(({ data }) => unpack(data));

// What a rejected promise carries: {code, message}.
export async function refusal(promise) {
    try {
        await promise;
    } catch (error) {
        return error;
    }
    return assert.fail('should have been refused');
}

export const range = (from, to) =>
    Array.from({ length: to - from + 1 }, (_, i) => from + i);

// The replies in one protobuf message: each a varint length and its bytes.
export function framed(message) {
    const frames = [];
    for (let at = 0; at < message.length;) {
        let length = 0;
        let shift = 0;
        let byte;
        do {
            byte = message[at++];
            length += (byte & 127) * 2 ** shift;
            shift += 7;
        } while (byte & 128);
        frames.push(message.subarray(at, at + length));
        at += length;
    }
    return frames;
}
