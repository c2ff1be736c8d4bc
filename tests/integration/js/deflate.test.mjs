// SPDX-License-Identifier: Apache-2.0
// deflate.test.mjs - permessage-deflate with a client that speaks it: what is
// agreed, what is compressed, and what becomes of bombs and rubbish.
import { after, before, describe, test } from 'node:test';
import assert from 'node:assert/strict';
import { deflateRawSync, constants } from 'node:zlib';
import { Broker } from './broker.mjs';
import {
    WebSocket, channelName, connect, pack, subscribe, unpack, until,
} from './harness.mjs';

const NO_CONTEXT = 'server_no_context_takeover; client_no_context_takeover';
const MAX = 65536; // websocket.max_message

// A client of `ws`; `headers` may say what ws would not.
class Socket {
    constructor(url, options) {
        this.messages = [];
        this.bytes = 0; // of the frames that came
        this.ws = new WebSocket(url, options);
        this.ws.on('upgrade', (answer) => {
            this.extensions = answer.headers['sec-websocket-extensions'];
        });
        this.ws.on('message', (data) => this.messages.push(data.toString()));
        this.closed = new Promise((done) => this.ws.on('close', done));
        this.ws.on('error', () => {});
    }

    static async open(t, url, options) {
        const socket = new Socket(url, options);
        t.after(() => socket.ws.terminate());
        await new Promise((done, fail) => {
            socket.ws.once('open', done);
            socket.ws.once('error', fail);
        });
        socket.ws._socket.on('data', (data) => (socket.bytes += data.length));
        return socket;
    }

    // A masked frame with this first byte, key zero.
    raw(first, payload) {
        const length = payload.length < 126
            ? Buffer.from([0x80 | payload.length])
            : Buffer.from([0xfe, payload.length >> 8, payload.length & 255]);
        this.ws._socket.write(Buffer.concat([
            Buffer.from([first]), length, Buffer.alloc(4), payload]));
    }
}

const squeeze = (data) => deflateRawSync(data, {
    finishFlush: constants.Z_SYNC_FLUSH, level: 9,
}).subarray(0, -4);

let broker;
let echo;
before(async () => {
    broker = await Broker.start({
        'websocket.deflate': 'true',
        'websocket.echo': 'true',
    });
    echo = broker.url.replace(/\/connection.*/, '/echo');
});
after(() => broker.dispose());

describe('what is agreed', () => {
    const cases = [
        [true, NO_CONTEXT],
        [{ serverNoContextTakeover: true }, NO_CONTEXT],
        [{ clientNoContextTakeover: true }, NO_CONTEXT],
        [{ serverMaxWindowBits: 15 },
            `${NO_CONTEXT}; server_max_window_bits=15`],
        [{ serverMaxWindowBits: 10 },
            `${NO_CONTEXT}; server_max_window_bits=9`],
        [{ serverMaxWindowBits: 8 },
            `${NO_CONTEXT}; server_max_window_bits=8`],
        [{ clientMaxWindowBits: 11 },
            `${NO_CONTEXT}; client_max_window_bits=11`],
    ];
    for (const [perMessageDeflate, answer] of cases) {
        test(`for ${JSON.stringify(perMessageDeflate)}`, async (t) => {
            const socket = await Socket.open(t, echo, {
                perMessageDeflate: perMessageDeflate === true
                    ? { threshold: 0 }
                    : { ...perMessageDeflate, threshold: 0 },
            });
            assert.equal(socket.extensions, `permessage-deflate; ${answer}`);
            const texts = ['', 'short', 'long '.repeat(5000),
                JSON.stringify([...Array(3000).keys()]), 'x'.repeat(MAX)];
            for (const text of texts) socket.ws.send(text);
            await until(() => socket.messages.length === texts.length,
                'the echo of all');
            assert.deepEqual(socket.messages, texts);
            assert.ok(socket.bytes < 40_000, `${socket.bytes} bytes`);
        });
    }

    test('nothing without an offer', async (t) => {
        const socket = await Socket.open(t, echo,
            { perMessageDeflate: false });
        assert.equal(socket.extensions, undefined);
        socket.ws.send('long '.repeat(100));
        await until(() => socket.messages.length === 1, 'the echo');
        assert.ok(socket.bytes > 500);
    });

    test('nothing when the broker does not want it', async (t) => {
        const plain = await Broker.start();
        t.after(() => plain.dispose());
        const socket = await Socket.open(t, plain.url);
        assert.equal(socket.extensions, undefined);
    });
});

describe('bad weather', () => {
    const cases = {
        'a bomb closes with 1009': [0xc2, squeeze(Buffer.alloc(50 << 20)), 1009],
        'one byte too many closes with 1009':
            [0xc2, squeeze(Buffer.alloc(MAX + 1)), 1009],
        'rubbish closes with 1007': [0xc2, Buffer.from('rubbish'), 1007],
        'text that is not UTF-8 closes with 1007':
            [0xc1, squeeze(Buffer.from([0xff, 0xfe])), 1007],
        'RSV1 on a ping closes with 1002': [0xc9, Buffer.alloc(0), 1002],
        'RSV2 closes with 1002': [0xa1, Buffer.alloc(0), 1002],
    };
    for (const [what, [first, payload, code]] of Object.entries(cases)) {
        test(what, async (t) => {
            const socket = await Socket.open(t, echo);
            assert.ok(payload.length < 65536);
            socket.raw(first, payload);
            assert.equal(await socket.closed, code);
        });
    }

    test('RSV1 without an agreement closes with 1002', async (t) => {
        const socket = await Socket.open(t, echo,
            { perMessageDeflate: false });
        socket.raw(0xc1, squeeze(Buffer.from('Hello')));
        assert.equal(await socket.closed, 1002);
    });

    test('control frames come between compressed fragments', async (t) => {
        const socket = await Socket.open(t, echo);
        const payload = squeeze(Buffer.from('Hello'));
        let pongs = 0;
        socket.ws.on('pong', () => (pongs += 1));
        socket.raw(0x41, payload.subarray(0, 3));
        socket.raw(0x89, Buffer.from('hi'));
        socket.raw(0x80, payload.subarray(3));
        await until(() => socket.messages.length === 1, 'the echo');
        assert.deepEqual(socket.messages, ['Hello']);
        assert.equal(pongs, 1);
    });
});

describe('channels', () => {
    test('subscribers of all kinds get the same', async (t) => {
        const kinds = [{}, { serverMaxWindowBits: 9 }, false];
        const channel = channelName('deflate');
        const subs = [];
        for (const perMessageDeflate of kinds) {
            class Kind extends WebSocket {
                constructor(url, protocols) {
                    super(url, protocols, { perMessageDeflate });
                }
            }
            const client = await connect(t, broker, { websocket: Kind });
            subs.push(await subscribe(client, channel));
        }
        const sent = [];
        for (let n = 0; n < 200; n++) {
            const data = { n, text: `publication ${n} `.repeat(n) };
            sent.push(data);
            await subs[n % 3].publish(pack(data));
        }
        for (const sub of subs) {
            await until(() => sub.got.length === sent.length, 'all of them');
            assert.deepEqual(sub.got.map((ctx) => unpack(ctx.data)), sent);
        }
    });

    test('large replies and pushes are compressed', async (t) => {
        const socket = await Socket.open(t, broker.url);
        const send = (value) => socket.ws.send(JSON.stringify(value));
        const data = { text: 'again and '.repeat(500) };
        send({ id: 1, connect: {} });
        send({ id: 2, subscribe: { channel: 'large' } });
        await until(() => socket.messages.length === 2, 'subscribed');
        const before = socket.bytes;
        send({ id: 3, publish: { channel: 'large', data } });
        await until(() => socket.messages.length === 4, 'push and reply');
        assert.deepEqual(JSON.parse(socket.messages[2]).push.pub.data, data);
        assert.ok(socket.bytes - before < 600,
            `${socket.bytes - before} bytes`);
    });
});
