// SPDX-License-Identifier: Apache-2.0
// sdk_server.test.mjs - the broker stops, starts again, and is spoken to by
// backends: the server API beside clients of the official SDK.
import { after, before, describe, test } from 'node:test';
import assert from 'node:assert/strict';
import { Broker, SECRET } from './broker.mjs';
import {
    channelName, collect, connect, next, pack, range, subscribe, texts,
    token, until,
} from './harness.mjs';

describe('a stop and a new start', () => {
    let broker;
    before(async () => (broker = await Broker.start()));
    after(() => broker.dispose());

    test('clients hear 3001, come back and go on', async (t) => {
        const clients = [];
        const subs = [];
        const channel = channelName();
        for (let i = 0; i < 5; i += 1) {
            clients.push(await connect(t, broker));
            subs.push(await subscribe(clients[i], channel));
        }
        await subs[0].publish(pack(1));
        await until(() => subs.every(({ got }) => got.length === 1), 'all');
        for (const round of [1, 2]) {
            const told = clients.map((client) => next(client, 'connecting'));
            const back = subs.map((sub) => next(sub, 'subscribed'));
            await broker.stop();
            for (const { code, reason } of await Promise.all(told))
                assert.deepEqual([code, reason], [3001, 'shutdown']);
            await broker.run();
            for (const reply of await Promise.all(back)) {
                assert.equal(reply.wasRecovering, true);
                assert.equal(reply.recovered, false);
            }
            await subs[0].publish(pack(round + 1));
            await until(() => subs.every(({ got }) =>
                got.length === round + 1), 'the next');
        }
        assert.deepEqual(texts(subs[4].got), [1, 2, 3]);
    });

    test('a broker with nobody on it stops too', async () => {
        await broker.stop();
        await broker.run();
    });

    test('a stop amid traffic loses nobody', async (t) => {
        const clients = await Promise.all(range(1, 10).map(() =>
            connect(t, broker)));
        const channel = channelName();
        for (const client of clients) await subscribe(client, channel);
        let done = false;
        const writing = clients.map(async (client) => {
            while (!done)
                await client.publish(channel, pack('x')).catch(() => {});
        });
        const told = clients.map((client) => next(client, 'connecting'));
        await broker.stop();
        for (const { code } of await Promise.all(told))
            assert.equal(code, 3001);
        const back = clients.map((client) => next(client, 'connected'));
        await broker.run();
        await Promise.all(back);
        done = true;
        await Promise.all(writing);
    });
});

describe('the server API', () => {
    let broker;
    before(async () => (broker = await Broker.start()));
    after(() => broker.dispose());

    const result = async (method, body) => {
        const answer = await broker.api(method, body);
        assert.equal(answer.status, 200, answer.text);
        assert.equal(answer.error, undefined);
        return answer.result;
    };

    test('publish reaches subscribers, without a publisher', async (t) => {
        const sub = await subscribe(await connect(t, broker), channelName());
        const { offset, epoch } = await result('publish',
            { channel: sub.channel, data: { from: 'a backend' } });
        assert.equal(offset, 1);
        assert.equal(epoch, sub.reply.streamPosition.epoch);
        await until(() => sub.got.length === 1, 'the publication');
        assert.deepEqual(texts(sub.got), [{ from: 'a backend' }]);
        assert.equal(sub.got[0].info, undefined);
    });

    test('broadcast reaches several channels', async (t) => {
        const client = await connect(t, broker);
        const subs = [];
        for (let i = 0; i < 3; i += 1)
            subs.push(await subscribe(client, channelName()));
        const { responses } = await result('broadcast',
            { channels: subs.map(({ channel }) => channel), data: 7 });
        assert.deepEqual(responses.map((one) => one.result.offset),
            [1, 1, 1]);
        await until(() => subs.every(({ got }) => got.length === 1), 'all');
    });

    test('presence, presence_stats and channels tell who is where',
        async (t) => {
            const client = await connect(t, broker, {
                token: token({ sub: 'ada' }, SECRET),
            });
            const { channel } = await subscribe(client, channelName());
            const { presence } = await result('presence', { channel });
            assert.deepEqual(Object.keys(presence), [client.id]);
            assert.equal(presence[client.id].user, 'ada');
            assert.deepEqual(await result('presence_stats', { channel }),
                { num_clients: 1, num_users: 1 });
            const { channels } = await result('channels', {});
            assert.equal(channels[channel].num_clients, 1);
        });

    test('history has limit, since and reverse', async () => {
        const channel = channelName();
        for (const i of range(1, 5))
            await result('publish', { channel, data: i });
        const ask = async (more) => {
            const answer = await result('history', { channel, ...more });
            assert.equal(answer.offset, 5);
            return answer.publications.map(({ data }) => data);
        };
        const { epoch } = await result('history', { channel, limit: 0 });
        assert.deepEqual(await ask({ limit: 10 }), range(1, 5));
        assert.deepEqual(await ask({ limit: 2, reverse: true }), [5, 4]);
        assert.deepEqual(
            await ask({ limit: 2, since: { offset: 1, epoch } }), [2, 3]);
    });

    test('info tells of the node', async (t) => {
        const client = await connect(t, broker);
        const { nodes } = await result('info', {});
        assert.equal(nodes.length, 1);
        assert.ok(nodes[0].num_clients >= 1);
        assert.equal(client.state, 'connected');
    });

    test('a mistake is told in the answer', async () => {
        const nameless = await broker.api('publish', { data: 1 });
        assert.equal(nameless.error?.code, 107);
    });

    test('without the key there is nothing to see', async () => {
        for (const method of ['publish', 'info', 'channels'])
            assert.equal((await broker.api(method, {}, 'x')).status, 401);
        for (const path of ['/status', '/metrics'])
            assert.equal((await fetch(broker.admin + path)).status, 401);
        for (const path of ['/health', '/ready'])
            assert.equal((await fetch(broker.admin + path)).status, 200);
    });

    test('order: the API and the clients share one channel', async (t) => {
        const client = await connect(t, broker);
        const sub = await subscribe(client, channelName());
        const got = collect(sub, 'publication');
        for (const i of range(1, 40)) {
            if (i % 2) await sub.publish(pack(i));
            else await result('publish', { channel: sub.channel, data: i });
        }
        await until(() => got.length === 40, 'all forty');
        assert.deepEqual(texts(got), range(1, 40));
    });
});
