// SPDX-License-Identifier: Apache-2.0
// sdk_connect.test.mjs - the official SDK comes in: anonymous, by token, with
// tokens that are bad, expired or about to expire, and through bad weather.
import { after, before, describe, test } from 'node:test';
import assert from 'node:assert/strict';
import { API_KEY, Broker, SECRET } from './broker.mjs';
import {
    WebSocket, channelName, collect, connect, framed, makeClient, next, now,
    pack, protobuf, range, refusal, subscribe, token, unpack, until,
} from './harness.mjs';

const whoami = async (client) =>
    unpack((await client.rpc('sys.whoami', pack({}))).data);

describe('connect', () => {
    let broker;
    before(async () => (broker = await Broker.start()));
    after(() => broker.dispose());

    test('an anonymous client gets an id of its own', async (t) => {
        const a = await connect(t, broker);
        const b = await connect(t, broker);
        assert.ok(a.id.length >= 16);
        assert.notEqual(a.id, b.id);
        assert.equal((await whoami(a)).user, '');
    });

    test('a token tells who one is', async (t) => {
        const client = await connect(t, broker, {
            token: token({ sub: 'ada', info: { name: 'Ada' } }, SECRET),
        });
        const answer = await whoami(client);
        assert.equal(answer.user, 'ada');
        assert.equal(answer.client, client.id);
    });

    test('the info of a token travels with publications', async (t) => {
        const client = await connect(t, broker, {
            token: token({ sub: 'ada', info: { name: 'Ada' } }, SECRET),
        });
        const sub = await subscribe(client, channelName());
        await sub.publish(pack('hello'));
        const { info } = await until(() => sub.got[0], 'the publication');
        assert.equal(info.user, 'ada');
        assert.equal(info.client, client.id);
        assert.deepEqual(unpack(info.connInfo), { name: 'Ada' });
    });

    const badTokens = {
        'with a wrong signature': token({ sub: 'ada' }, 'another secret'),
        'that is no token': 'rubbish',
        'that is not signed': `${Buffer.from('{"alg":"none"}').toString(
            'base64url')}.${Buffer.from('{"sub":"ada"}').toString(
            'base64url')}.`,
    };
    for (const [what, bad] of Object.entries(badTokens)) {
        test(`a token ${what} ends with 3500`, async (t) => {
            const client = makeClient(t, broker, { token: bad });
            const gone = next(client, 'disconnected');
            client.connect();
            const { code, reason } = await gone;
            assert.equal(code, 3500);
            assert.equal(reason, 'invalid token');
        });
    }

    test('an expired token is renewed, then the client is in', async (t) => {
        let asked = 0;
        const client = await connect(t, broker, {
            token: token({ sub: 'ada', exp: now() - 60 }, SECRET),
            getToken: async () => {
                asked += 1;
                return token({ sub: 'ada', exp: now() + 600 }, SECRET);
            },
        });
        assert.equal(asked, 1);
        assert.equal((await whoami(client)).user, 'ada');
    });

    test('what was asked before the connection is done after it',
        async (t) => {
            const client = makeClient(t, broker);
            const channel = channelName();
            const sub = client.newSubscription(channel);
            const got = next(sub, 'publication');
            sub.subscribe();
            const published = sub.publish(pack({ early: true }));
            client.connect();
            await published;
            assert.deepEqual(unpack((await got).data), { early: true });
        });

    test('disconnecting and connecting again gives a new id', async (t) => {
        const client = await connect(t, broker);
        const gone = next(client, 'disconnected');
        client.disconnect();
        assert.equal((await gone).code, 0);
        const again = next(client, 'connected');
        client.connect();
        assert.notEqual((await again).client, client.id);
    });

    test('a cut connection comes back by itself', async (t) => {
        const client = await connect(t, broker);
        for (let i = 0; i < 5; i += 1) {
            const again = next(client, 'connected');
            client.cut();
            await again;
        }
        assert.equal((await whoami(client)).user, '');
    });

    test('the server can send one away, for good or not', async (t) => {
        const client = await connect(t, broker, {
            token: token({ sub: 'grace' }, SECRET),
        });
        const away = next(client, 'disconnected');
        assert.deepEqual(
            (await broker.api('disconnect', { user: 'grace' })).result, {});
        assert.equal((await away).code, 3503);

        const again = next(client, 'connected');
        client.connect();
        await again;
        const reconnecting = next(client, 'connecting');
        const back = next(client, 'connected');
        await broker.api('disconnect', {
            user: 'grace',
            disconnect: { code: 4000, reason: 'come again' },
        });
        assert.equal((await reconnecting).code, 4000);
        await back;
    });

    test('sockets that come and go around the handshake leave nothing',
        async (t) => {
            const ends = ['at once', 'upgrade', 'open', 'connect'];
            for (let i = 0; i < 60; i += 1)
                await passBy(broker, ends[i % ends.length]);
            const client = await connect(t, broker);
            const sub = await subscribe(client, channelName());
            assert.deepEqual(await sub.presenceStats(),
                { numClients: 1, numUsers: 1 });
            await until(async () => {
                const { result } = await broker.api('info', {});
                return result.nodes[0].num_clients === 1;
            }, 'only one connection is left');
        });
});

// Opens a socket and breaks it at the given point.
function passBy(broker, when) {
    return new Promise((done) => {
        const url = protobuf ? `${broker.url}?format=protobuf` : broker.url;
        const socket = new WebSocket(url);
        socket.on('error', () => {});
        socket.on('close', done);
        if (when === 'at once') setImmediate(() => socket.terminate());
        if (when === 'upgrade')
            socket.on('upgrade', () => socket.terminate());
        if (when === 'open') socket.on('open', () => socket.close());
        if (when === 'connect')
            socket.on('open', () => {
                socket.send(protobuf ? Buffer.from([4, 8, 1, 34, 0])
                                     : '{"id":1,"connect":{}}');
                socket.terminate();
            });
    });
}

// Each of these waits for timers of seconds, so they wait side by side.
describe('what takes time', { concurrency: true }, () => {
    let broker;
    before(async () => {
        broker = await Broker.start({
            'ping.interval': '1s',
            'ping.timeout': '900ms',
        });
    });
    after(() => broker.dispose());

    test('a token about to expire is refreshed on the way', async (t) => {
        let asked = 0;
        const fresh = () =>
            token({ sub: 'ada', exp: now() + 2 }, SECRET);
        const client = await connect(t, broker, {
            token: fresh(),
            getToken: async () => {
                asked += 1;
                return fresh();
            },
        });
        const left = collect(client, 'connecting');
        await until(() => asked >= 2, 'two refreshes');
        assert.equal((await whoami(client)).client, client.id);
        assert.deepEqual(left, []);
    });

    test('a refresh with a bad token ends with 3500', async (t) => {
        const client = await connect(t, broker, {
            token: token({ sub: 'ada', exp: now() + 2 }, SECRET),
            getToken: async () => token({ sub: 'ada' }, 'another secret'),
        });
        assert.equal((await next(client, 'disconnected')).code, 3500);
    });

    // The SDK leaves when the pings stay away, the broker when the pongs do.
    test('idle and busy connections stay', async (t) => {
        const idle = await connect(t, broker, { maxServerPingDelay: 8000 });
        const busy = await connect(t, broker, { maxServerPingDelay: 8000 });
        const left = [...collectAll([idle, busy], 'connecting')];
        const sub = await subscribe(busy, channelName());
        const pings = { idle: 0, busy: 0 };
        countPings(idle, () => (pings.idle += 1));
        countPings(busy, () => (pings.busy += 1));
        let sent = 0;
        await until(async () => {
            await sub.publish(pack(sent));
            sent += 1;
            return pings.idle >= 3 && pings.busy >= 3;
        }, 'three pings on each');
        await until(() => sub.got.length === sent, 'every publication');
        assert.deepEqual(left.flat(), []);
    });
});

const collectAll = (clients, event) =>
    clients.map((client) => collect(client, event));

function countPings(client, ping) {
    client.sockets.at(-1).on('message', (data) => {
        const isPing = protobuf
            ? framed(Buffer.from(data)).some((frame) => frame.length === 0)
            : data.toString().split('\n').includes('{}');
        if (isPing) ping();
    });
}

describe('a broker that allows nothing', () => {
    let broker;
    before(async () => {
        broker = await Broker.start({
            'auth.anonymous': 'true',
            'channels.presence': 'true',
            'channels.history_size': '1',
        }, { insecure: false });
    });
    after(() => broker.dispose());

    test('everything is refused with 103', async (t) => {
        const client = await connect(t, broker);
        const channel = channelName();
        const sub = client.newSubscription(channel);
        const refused = next(sub, 'unsubscribed');
        sub.subscribe();
        assert.equal((await refused).code, 103);
        for (const asked of [
            client.publish(channel, pack(1)),
            client.presence(channel),
            client.presenceStats(channel),
            client.history(channel, { limit: 1 }),
            client.rpc('actor.send',
                pack({ to: `channel/${channel}`, type: 't', body: 1 })),
            client.rpc('actor.send',
                pack({ to: 'user/ada', type: 't', body: 1 })),
            client.rpc('actor.send',
                pack({ to: `conn/${client.id}`, type: 't', body: 1 })),
        ])
            assert.equal((await refusal(asked)).code, 103);
        assert.equal(client.state, 'connected');
    });

    test('the server API still publishes, with the right key', async () => {
        const body = { channel: 'x', data: 1 };
        assert.equal((await broker.api('publish', body, 'no')).status, 401);
        const answer = await broker.api('publish', body, API_KEY);
        assert.equal(answer.status, 200);
        assert.equal(answer.error, undefined);
    });
});

describe('a broker for people with tokens', () => {
    let broker;
    before(async () => {
        const mine = ['subscribe', 'publish', 'presence', 'history'].map(
            (what) => [`channels.allow_${what}`, 'authenticated']);
        broker = await Broker.start({
            ...Object.fromEntries(mine),
            'channels.presence': 'true',
            'channels.history_size': '10',
            'channels.history_ttl': '60s',
        }, { insecure: false });
    });
    after(() => broker.dispose());

    test('strangers do not come in', async (t) => {
        const client = makeClient(t, broker);
        const gone = next(client, 'disconnected');
        client.connect();
        assert.ok((await gone).code);
    });

    test('the others may do everything', async (t) => {
        const client = await connect(t, broker, {
            token: token({ sub: 'ada' }, SECRET),
        });
        const sub = await subscribe(client, channelName());
        await sub.publish(pack('yes'));
        await until(() => sub.got.length === 1, 'the publication');
        assert.equal((await sub.presenceStats()).numClients, 1);
        assert.equal((await sub.history({ limit: 9 })).publications.length, 1);
    });
});

// What docs/clients.md says of calls that wait for a connection.
describe('calls of a client that is offline', () => {
    const COUNT = 200;
    const BYTES = 1024; // the frame of all has 200 KiB and more
    const texts = range(1, COUNT).map((i) => `${i} `.padEnd(BYTES, 'x'));

    // A client that comes back with `COUNT` publications that wait.
    async function comeBack(t, broker, channel) {
        const client = await connect(t, broker);
        const sub = await subscribe(client, channel);
        const release = client.hold();
        const lost = next(client, 'connecting');
        client.cut();
        await lost;
        const calls = Promise.allSettled(texts.map((text) =>
            client.publish(channel, pack(text))));
        return { client, sub, release, calls };
    }

    async function held(broker, channel) {
        const { result } = await broker.api('history', { channel, limit: -1 });
        return result.publications.map(({ data, b64data }) =>
            data ?? JSON.parse(Buffer.from(b64data, 'base64')));
    }

    describe('with the defaults', () => {
        let broker;
        before(async () => (broker = await Broker.start()));
        after(() => broker.dispose());

        test('come as one message, which is too long: all are lost',
            async (t) => {
                const channel = channelName();
                const { client, sub, release, calls } =
                    await comeBack(t, broker, channel);
                const gone = next(client, 'disconnected');
                release();
                const { code, reason } = await gone;
                assert.deepEqual({ code, reason },
                    { code: 3, reason: 'message size limit exceeded' });
                assert.equal(client.state, 'disconnected');
                assert.equal(sub.state, 'subscribing');
                for (const { status, reason: error } of await calls) {
                    assert.equal(status, 'rejected');
                    assert.equal(error.code, 11);
                    assert.equal(error.message, 'connection closed');
                }
                assert.deepEqual(await held(broker, channel), []);
                const line = await until(() => broker.stderr.split('\n').find(
                    (one) => one.includes('event="message of a client too')),
                'the line of the log');
                assert.match(line, / address=127\.0\.0\.1 /);
                assert.match(line,
                    / key=websocket\.max_message limit=65536$/);
                const again = next(sub, 'subscribed');
                client.connect();
                await again;
            });

        test('pass when each waits for the one before', async (t) => {
            const channel = channelName();
            const client = await connect(t, broker);
            const release = client.hold();
            const lost = next(client, 'connecting');
            client.cut();
            await lost;
            release();
            for (const text of texts.slice(0, 100))
                await client.publish(channel, pack(text));
            assert.deepEqual(await held(broker, channel),
                texts.slice(0, 100));
        });

        test('are given up after the timeout of the client', async (t) => {
            const client = makeClient(t, broker, { timeout: 100 });
            client.hold();
            client.connect();
            const { code } = await refusal(client.publish('x', pack(1)));
            assert.equal(code, 1);
        });
    });

    describe('with websocket.max_message', () => {
        let broker;
        before(async () => {
            broker = await Broker.start({ 'websocket.max_message': '1MiB',
                'channels.history_size': `${COUNT}` });
        });
        after(() => broker.dispose());

        test('pass as one message, in order', async (t) => {
            const channel = channelName();
            const { client, release, calls } =
                await comeBack(t, broker, channel);
            release();
            for (const { status } of await calls)
                assert.equal(status, 'fulfilled');
            assert.equal(client.state, 'connected');
            assert.deepEqual(await held(broker, channel), texts);
            assert.doesNotMatch(broker.stderr, /message of a client too long/);
        });
    });
});
