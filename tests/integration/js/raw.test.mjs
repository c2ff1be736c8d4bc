// SPDX-License-Identifier: Apache-2.0
// raw.test.mjs - the exchanges of the client protocol letter by letter, on a
// bare WebSocket: what SDKs rely on without ever asking for it.
import { after, before, describe, test } from 'node:test';
import assert from 'node:assert/strict';
import { Broker, SECRET } from './broker.mjs';
import {
    WebSocket, channelName, framed, now, range, token, until,
} from './harness.mjs';

class Raw {
    constructor(broker, { query = '', protocols = [] } = {}) {
        this.lines = []; // every line of every text frame, parsed
        this.frames = []; // every message as it came
        this.socket = new WebSocket(broker.url + query, protocols);
        this.socket.on('message', (data, binary) => {
            this.frames.push({ data, binary });
            if (!binary)
                this.lines.push(...data.toString().split('\n')
                    .filter(Boolean).map((line) => JSON.parse(line)));
        });
        this.closed = new Promise((done) => {
            this.socket.on('close', (code, reason) =>
                done({ code, reason: reason.toString() }));
        });
        this.socket.on('error', () => {});
    }

    static async open(t, broker, options) {
        const raw = new Raw(broker, options);
        t.after(() => raw.socket.terminate());
        await new Promise((done, fail) => {
            raw.socket.once('open', done);
            raw.socket.once('error', fail);
        });
        return raw;
    }

    static async connected(t, broker, connect = { name: 'js' }) {
        const raw = await Raw.open(t, broker);
        raw.send({ id: 1, connect });
        raw.hello = await raw.reply(1);
        return raw;
    }

    send(...commands) {
        this.socket.send(commands.map((one) =>
            (typeof one === 'string' ? one : JSON.stringify(one))).join('\n'));
    }

    reply(id) {
        return until(() => this.lines.find((one) => one.id === id),
            `reply ${id} in ${JSON.stringify(this.lines)}`);
    }

    async ask(id, verb, body) {
        this.send({ id, [verb]: body });
        return this.reply(id);
    }

    pushes() {
        return this.lines.filter((one) => one.push).map((one) => one.push);
    }
}

let broker;
before(async () => (broker = await Broker.start()));
after(() => broker.dispose());

describe('exchanges', () => {
    test('connect', async (t) => {
        const { hello } = await Raw.connected(t, broker);
        const { client, version, ...rest } = hello.connect;
        assert.ok(client.length >= 16);
        assert.ok(version);
        assert.deepEqual(rest, { ping: 25, pong: true });
        assert.deepEqual(Object.keys(hello), ['id', 'connect']);
    });

    test('connect with a token that expires', async (t) => {
        const { hello } = await Raw.connected(t, broker,
            { token: token({ sub: '42', exp: now() + 600 }, SECRET) });
        const { expires, ttl, subs } = hello.connect;
        assert.equal(expires, true);
        assert.ok(ttl > 590 && ttl <= 600, `${ttl}`);
        assert.equal(subs['#42'].recoverable, true);
        assert.equal(subs['#42'].positioned, true);
        assert.ok(subs['#42'].epoch);
    });

    test('subscribe, and again: 105', async (t) => {
        const raw = await Raw.connected(t, broker);
        const channel = channelName();
        const { subscribe, ...rest } = await raw.ask(2, 'subscribe',
            { channel, flag: 1 });
        assert.deepEqual(rest, { id: 2 });
        const { epoch, ...granted } = subscribe;
        assert.ok(epoch && epoch !== '_');
        assert.deepEqual(granted, { recoverable: true, positioned: true });
        const again = await raw.ask(3, 'subscribe', { channel });
        assert.equal(again.error.code, 105);
        assert.equal(again.subscribe, undefined);
        assert.ok(again.error.message);
    });

    test('publish: the push, then the reply', async (t) => {
        const raw = await Raw.connected(t, broker);
        const { client } = raw.hello.connect;
        const channel = channelName();
        await raw.ask(2, 'subscribe', { channel });
        raw.lines.length = 0;
        await raw.ask(3, 'publish', { channel, data: { a: 1 } });
        assert.deepEqual(raw.lines, [
            { push: { channel, pub: {
                data: { a: 1 }, info: { user: '', client }, offset: 1,
            } } },
            { id: 3, publish: {} },
        ]);
    });

    test('payloads keep their bytes, line ends become spaces', async (t) => {
        const raw = await Raw.connected(t, broker);
        const channel = channelName();
        await raw.ask(2, 'subscribe', { channel });
        raw.frames.length = 0;
        const data = '{"a" :\r1.50e1,"b":"\\u00e9\\/\\n"}';
        raw.send(`{"id":3,"publish":{"channel":"${channel}","data":${data}}}`);
        await raw.reply(3);
        const text = raw.frames[0].data.toString();
        assert.ok(text.includes(`"data":${data.replace('\r', ' ')}`), text);
    });

    test('presence and presence_stats', async (t) => {
        const raw = await Raw.connected(t, broker);
        const { client } = raw.hello.connect;
        const channel = channelName();
        await raw.ask(2, 'subscribe', { channel });
        assert.deepEqual(await raw.ask(3, 'presence', { channel }),
            { id: 3, presence: { presence:
                { [client]: { user: '', client } } } });
        assert.deepEqual(await raw.ask(4, 'presence_stats', { channel }),
            { id: 4, presence_stats: { num_clients: 1, num_users: 1 } });
        assert.deepEqual(
            await raw.ask(5, 'presence', { channel: channelName() }),
            { id: 5, presence: { presence: {} } });
        assert.deepEqual(
            await raw.ask(6, 'presence_stats', { channel: channelName() }),
            { id: 6, presence_stats: { num_clients: 0, num_users: 0 } });
    });

    test('history, with a limit and without', async (t) => {
        const raw = await Raw.connected(t, broker);
        const channel = channelName();
        await raw.ask(2, 'publish', { channel, data: 5 });
        const { history } = await raw.ask(3, 'history',
            { channel, limit: 10 });
        assert.equal(history.offset, 1);
        assert.ok(history.epoch);
        assert.equal(history.publications.length, 1);
        assert.equal(history.publications[0].data, 5);
        assert.equal(history.publications[0].offset, 1);
        const none = await raw.ask(4, 'history', { channel });
        assert.deepEqual(none.history,
            { publications: [], offset: 1, epoch: history.epoch });
    });

    test('unsubscribe, also when not subscribed', async (t) => {
        const raw = await Raw.connected(t, broker);
        assert.deepEqual(
            await raw.ask(2, 'unsubscribe', { channel: channelName() }),
            { id: 2, unsubscribe: {} });
    });

    test('rpc with no handler: 108', async (t) => {
        const raw = await Raw.connected(t, broker);
        const { error } = await raw.ask(2, 'rpc', { method: 'x', data: {} });
        assert.equal(error.code, 108);
        const ping = await raw.ask(3, 'ping', {});
        assert.equal(ping.error.code, 108);
    });

    test('recovery: from zero, from another epoch, with the flag',
        async (t) => {
            const raw = await Raw.connected(t, broker);
            const channel = channelName();
            for (const i of range(1, 3))
                await raw.ask(1 + i, 'publish', { channel, data: i });
            const a = await Raw.connected(t, broker);
            const { subscribe } = await a.ask(2, 'subscribe',
                { channel, recover: true, flag: 1 });
            assert.equal(subscribe.recovered, true);
            assert.equal(subscribe.was_recovering, true);
            assert.equal(subscribe.offset, undefined); // the one asked: 0
            assert.deepEqual(subscribe.publications.map((one) =>
                [one.offset, one.data]), [[1, 1], [2, 2], [3, 3]]);

            const b = await Raw.connected(t, broker);
            const other = (await b.ask(2, 'subscribe', { channel,
                recover: true, offset: 1, epoch: 'other' })).subscribe;
            assert.deepEqual(other, { recoverable: true, positioned: true,
                was_recovering: true, epoch: subscribe.epoch, offset: 3 });

            const c = await Raw.connected(t, broker);
            const refused = await c.ask(2, 'subscribe', { channel,
                recover: true, offset: 1, epoch: 'other', flag: 3 });
            assert.equal(refused.error.code, 112);

            const d = await Raw.connected(t, broker);
            const middle = (await d.ask(2, 'subscribe', { channel,
                recover: true, offset: 2, epoch: subscribe.epoch })).subscribe;
            assert.equal(middle.offset, 2);
            assert.deepEqual(middle.publications.map((one) => one.offset),
                [3]);
        });

    test('commands of one message are handled in order', async (t) => {
        const raw = await Raw.open(t, broker);
        const channel = channelName();
        raw.send({ id: 1, connect: {} },
            { id: 2, subscribe: { channel } },
            { id: 3, publish: { channel, data: 1 } },
            { id: 4, unsubscribe: { channel } },
            { id: 5, subscribe: { channel } },
            { id: 6, publish: { channel, data: 2 } },
            { id: 7, presence_stats: { channel } });
        const { presence_stats: stats } = await raw.reply(7);
        assert.deepEqual(stats, { num_clients: 1, num_users: 1 });
        assert.deepEqual(raw.lines.filter((one) => one.error), []);
        assert.deepEqual(raw.pushes().map(({ pub }) => pub.data), [1, 2]);
        const at = (test) => raw.lines.findIndex(test);
        assert.ok(at((one) => one.id === 2) < at((one) => one.push));
    });

    test('the 129th channel of a connection: 106', async (t) => {
        const raw = await Raw.connected(t, broker);
        const stem = channelName();
        raw.send(...range(1, 129).map((i) =>
            ({ id: 1 + i, subscribe: { channel: `${stem}/${i}` } })));
        assert.equal((await raw.reply(130)).error.code, 106);
        assert.ok((await raw.reply(129)).subscribe);
    });

    test('unknown fields are ignored, a trailing newline too', async (t) => {
        const raw = await Raw.connected(t, broker);
        raw.send('{"id":2,"new":{"x":[1]},"rpc":{"method":"sys.whoami",' +
            '"data":{},"later":null},"more":1}\n');
        assert.ok((await raw.reply(2)).rpc.data);
    });
});

describe('refresh', () => {
    test('a good token gives more time, a bad one 3500', async (t) => {
        const raw = await Raw.connected(t, broker,
            { token: token({ sub: '7', exp: now() + 100 }, SECRET) });
        const { refresh } = await raw.ask(2, 'refresh',
            { token: token({ sub: '7', exp: now() + 600 }, SECRET) });
        assert.equal(refresh.expires, true);
        assert.ok(refresh.ttl > 590);
        assert.equal(refresh.client, raw.hello.connect.client);
        raw.send({ id: 3, refresh: { token: 'bad' } });
        assert.deepEqual(await raw.closed,
            { code: 3500, reason: 'invalid token' });
    });
});

describe('encodings', () => {
    // Command { id: 1, connect: {} } and Command { id: 2, publish: ... }.
    const connect = Buffer.from([4, 8, 1, 0x22, 0]);

    for (const [how, options] of Object.entries({
        'a subprotocol': { protocols: ['centrifuge-protobuf'] },
        'format=protobuf': { query: '?format=protobuf' },
        'cf_protocol=protobuf': { query: '?cf_protocol=protobuf' },
    }))
        test(`protobuf by ${how}`, async (t) => {
            const raw = await Raw.open(t, broker, options);
            assert.equal(raw.socket.protocol, options.protocols?.[0] ?? '');
            raw.socket.send(connect);
            const { data, binary } = await until(() => raw.frames[0], 'it');
            assert.equal(binary, true);
            const [reply] = framed(data);
            assert.deepEqual([...reply.subarray(0, 3)], [8, 1, 0x2a]);
        });

    test('JSON by subprotocol', async (t) => {
        const raw = await Raw.open(t, broker,
            { protocols: ['centrifuge-json'] });
        assert.equal(raw.socket.protocol, 'centrifuge-json');
        raw.send({ id: 1, connect: {} });
        assert.ok((await raw.reply(1)).connect);
        assert.equal(raw.frames[0].binary, false);
    });

    test('a length beyond the message ends with 3501',
        async (t) => {
            for (const bytes of [[5, 8, 1, 0x22, 0], [0xff, 0xff, 0xff, 0xff,
                0xff, 0xff, 0xff, 0xff, 0x7f], [2, 8], [0x80], [3, 7, 7, 7]]) {
                const raw = await Raw.open(t, broker,
                    { query: '?format=protobuf' });
                raw.socket.send(Buffer.from(bytes));
                assert.equal((await raw.closed).code, 3501);
            }
        });

    test('a message that is too large ends with 1009', async (t) => {
        const raw = await Raw.connected(t, broker);
        const data = 'x'.repeat(70_000);
        raw.send({ id: 2, publish: { channel: 'x', data } });
        assert.equal((await raw.closed).code, 1009);
    });
});

describe('3501 bad request', () => {
    const first = {
        'another command first': '{"id":1,"subscribe":{"channel":"a"}}',
        'broken JSON': '{"id":1,"connect":{}',
        'something behind the JSON': '{"id":1,"connect":{}} x',
        'an empty object': '{}',
        null: 'null',
        'an array': '[]',
        'a number': '1',
        'no known request': '{"id":1,"what":{}}',
        'no id': '{"connect":{}}',
        'an empty message': '',
    };
    for (const [what, text] of Object.entries(first))
        test(`first: ${what}`, async (t) => {
            const raw = await Raw.open(t, broker);
            raw.socket.send(text);
            assert.deepEqual(await raw.closed,
                { code: 3501, reason: 'bad request' });
        });

    const later = {
        'a second connect': '{"id":2,"connect":{}}',
        'a pong that nobody asked for': '{}',
        'no known request': '{"id":2}',
        'subscribe to nothing': '{"id":2,"subscribe":{"channel":""}}',
        'subscribe without a channel': '{"id":2,"subscribe":{}}',
        'publish to nothing': '{"id":2,"publish":{"data":1}}',
        'presence of nothing': '{"id":2,"presence":{}}',
        'history of nothing': '{"id":2,"history":{"limit":1}}',
        'unsubscribe from nothing': '{"id":2,"unsubscribe":{}}',
        'a string where a number belongs':
            '{"id":"2","subscribe":{"channel":"a"}}',
        'a lone surrogate in a channel':
            '{"id":2,"subscribe":{"channel":"\\ud800"}}',
    };
    for (const [what, text] of Object.entries(later))
        test(`later: ${what}`, async (t) => {
            const raw = await Raw.connected(t, broker);
            raw.send(text);
            assert.deepEqual(await raw.closed,
                { code: 3501, reason: 'bad request' });
        });

    test('what follows a bad command is not done', async (t) => {
        const raw = await Raw.connected(t, broker);
        const channel = channelName();
        raw.send('{"id":2}', { id: 3, publish: { channel, data: 1 } });
        assert.equal((await raw.closed).code, 3501);
        const { result } = await broker.api('history',
            { channel, limit: 10 });
        assert.deepEqual(result.publications, []);
    });
});

describe('who does not pass', () => {
    test('a failed connect leaves nothing to do but 3501', async (t) => {
        const raw = await Raw.open(t, broker);
        raw.send({ id: 1, connect:
            { token: token({ sub: 'a', exp: now() - 9 }, SECRET) } });
        assert.equal((await raw.reply(1)).error.code, 109);
        raw.send({ id: 2, subscribe: { channel: 'a' } });
        assert.equal((await raw.closed).code, 3501);
    });

    test('a bad token is not heard again', async (t) => {
        const raw = await Raw.open(t, broker);
        const channel = channelName();
        raw.send({ id: 1, connect: { token: 'x.y.z' } },
            { id: 2, publish: { channel, data: 1 } });
        assert.deepEqual(await raw.closed,
            { code: 3500, reason: 'invalid token' });
        const { result } = await broker.api('history',
            { channel, limit: 10 });
        assert.deepEqual(result.publications, []);
    });
});

describe('time', () => {
    let quick;
    before(async () => {
        quick = await Broker.start({
            'connect.timeout': '500ms',
            'ping.interval': '1s',
            'ping.timeout': '500ms',
        });
    });
    after(() => quick.dispose());

    test('a silent socket ends with 3502', async (t) => {
        const raw = await Raw.open(t, quick);
        assert.equal((await raw.closed).code, 3502);
    });

    test('no pong ends with 3012', async (t) => {
        const raw = await Raw.connected(t, quick);
        assert.equal(raw.hello.connect.ping, 1);
        assert.equal((await raw.closed).code, 3012);
    });

    test('pongs keep one in, and each ping takes one pong', async (t) => {
        const raw = await Raw.connected(t, quick);
        const pings = () => raw.lines.filter((one) =>
            Object.keys(one).length === 0).length;
        for (const i of range(1, 3)) {
            await until(() => pings() >= i, `ping ${i}`);
            raw.send('{}');
        }
        raw.send('{}');
        assert.equal((await raw.closed).code, 3501);
    });
});

describe('origins', () => {
    const attempt = (broker, origin) => new Promise((done) => {
        const socket = new WebSocket(broker.url, { origin });
        socket.on('open', () => {
            socket.terminate();
            done('open');
        });
        socket.on('unexpected-response', (req, res) => {
            req.destroy();
            done(res.statusCode);
        });
        socket.on('error', () => {});
    });

    test('of this machine and no others with --insecure', async () => {
        assert.equal(await attempt(broker, `http://127.0.0.1:${broker.port}`),
            'open');
        assert.equal(await attempt(broker, 'http://localhost:3000'), 'open');
        assert.equal(await attempt(broker, 'http://elsewhere.example'), 403);
        assert.equal(await attempt(broker, undefined), 'open');
    });

    test('those that are listed', async (t) => {
        const other = await Broker.start({
            'websocket.allowed_origins': '[http://page.example]',
        });
        t.after(() => other.dispose());
        assert.equal(await attempt(other, 'http://page.example'), 'open');
        assert.equal(await attempt(other, 'http://elsewhere.example'), 403);
    });
});
