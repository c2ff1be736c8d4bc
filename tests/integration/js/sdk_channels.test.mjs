// SPDX-License-Identifier: Apache-2.0
// sdk_channels.test.mjs - the official SDK on channels: subscriptions,
// publications, presence, joins and leaves, history, and their order.
import { after, before, describe, test } from 'node:test';
import assert from 'node:assert/strict';
import { Broker, SECRET } from './broker.mjs';
import {
    channelName, collect, connect, next, pack, protobuf, range, refusal,
    subscribe, texts, token, until,
} from './harness.mjs';

let broker;
before(async () => (broker = await Broker.start()));
after(() => broker.dispose());

describe('publish', () => {
    test('a publication comes back to its publisher, with info',
        async (t) => {
            const client = await connect(t, broker);
            const channel = channelName();
            const sub = await subscribe(client, channel);
            await sub.publish(pack({ text: 'hello', n: [1, 2.5, null] }));
            const [pub] = await until(() => sub.got.length && sub.got, 'it');
            assert.deepEqual(texts([pub]),
                [{ text: 'hello', n: [1, 2.5, null] }]);
            assert.equal(pub.info.client, client.id);
            assert.equal(pub.info.user, '');
            assert.equal(pub.offset, 1);
            assert.equal(pub.channel, channel);
        });

    test('everyone who is subscribed gets it once', async (t) => {
        const channel = channelName();
        const subs = [];
        for (let i = 0; i < 8; i += 1)
            subs.push(await subscribe(await connect(t, broker), channel));
        for (const [i, sub] of subs.entries()) await sub.publish(pack(i));
        await until(() => subs.every(({ got }) => got.length >= 8), 'all');
        for (const { got } of subs)
            assert.deepEqual(texts(got), range(0, 7));
    });

    test('one publishes without a subscription', async (t) => {
        const [a, b] = [await connect(t, broker), await connect(t, broker)];
        const channel = channelName();
        const sub = await subscribe(b, channel);
        await a.publish(channel, pack('from outside'));
        await until(() => sub.got.length === 1, 'the publication');
        assert.equal(sub.got[0].info.client, a.id);
    });

    test('odd payloads arrive as they were', async (t) => {
        const client = await connect(t, broker);
        const sub = await subscribe(client, channelName());
        const odd = [
            0, -1, 1e300, true, false, '', 'é𝄞 \u0000 \n \\ " </script>', [],
            {}, { a: { b: [[[]]] } }, { '': null }, 'x'.repeat(30000),
        ];
        for (const value of odd) await sub.publish(pack(value));
        await until(() => sub.got.length === odd.length, 'all of them');
        assert.deepEqual(texts(sub.got), odd);
    });

    test('bytes that are not JSON are for protobuf clients alone',
        { skip: !protobuf && 'a JSON client cannot send them' },
        async (t) => {
            const client = await connect(t, broker);
            const sub = await subscribe(client, channelName());
            const bytes = Uint8Array.from([0, 255, 10, 13, 128, 7]);
            await sub.publish(bytes);
            await until(() => sub.got.length === 1, 'the publication');
            assert.deepEqual(Uint8Array.from(sub.got[0].data), bytes);
        });

    test('many at once keep their order', async (t) => {
        const a = await connect(t, broker);
        const channel = channelName();
        const near = await subscribe(a, channel);
        const far = await subscribe(await connect(t, broker), channel);
        await Promise.all(range(1, 300).map((i) => near.publish(pack(i))));
        for (const sub of [near, far]) {
            await until(() => sub.got.length >= 300, 'all 300');
            assert.deepEqual(texts(sub.got), range(1, 300));
            assert.deepEqual(sub.got.map((pub) => pub.offset), range(1, 300));
        }
    });

    test('publishers at once: each in its own order, all in one order',
        async (t) => {
            const channel = channelName();
            const subs = [];
            for (let i = 0; i < 4; i += 1)
                subs.push(await subscribe(await connect(t, broker), channel));
            await Promise.all(subs.flatMap((sub, who) =>
                range(1, 60).map((i) => sub.publish(pack([who, i])))));
            await until(() => subs.every(({ got }) => got.length >= 240),
                'all 240');
            const [first] = subs;
            for (const { got } of subs)
                assert.deepEqual(texts(got), texts(first.got));
            for (const who of range(0, 3)) {
                const own = texts(first.got).filter(([by]) => by === who);
                assert.deepEqual(own.map(([, i]) => i), range(1, 60));
            }
        });

    test('a batch is handled in order', async (t) => {
        const client = await connect(t, broker);
        const sub = await subscribe(client, channelName());
        client.startBatching();
        const answers = range(1, 50).map((i) => sub.publish(pack(i)));
        client.stopBatching();
        await Promise.all(answers);
        await until(() => sub.got.length === 50, 'all 50');
        assert.deepEqual(texts(sub.got), range(1, 50));
    });

    test('each command gets its own answer', async (t) => {
        const client = await connect(t, broker);
        const channels = range(1, 20).map(() => channelName());
        await Promise.all(channels.map((channel, i) =>
            Promise.all(range(0, i).map((k) =>
                client.publish(channel, pack(k))))));
        const tops = await Promise.all(channels.map((channel) =>
            client.history(channel, { limit: 0 })));
        assert.deepEqual(tops.map(({ offset }) => offset), range(1, 20));
    });
});

describe('subscribe', () => {
    test('after unsubscribing nothing arrives, until one asks again',
        async (t) => {
            const client = await connect(t, broker);
            const sub = await subscribe(client, channelName());
            const other = await subscribe(client, channelName());
            await sub.publish(pack(1));
            const gone = next(sub, 'unsubscribed');
            sub.unsubscribe();
            assert.equal((await gone).code, 0);
            await client.publish(sub.channel, pack(2));
            await other.publish(pack('what came later'));
            await until(() => other.got.length === 1, 'what came later');
            assert.deepEqual(texts(sub.got), [1]);
            // The SDK remembers where it was.
            sub.subscribe();
            await sub.publish(pack(3));
            await until(() => sub.got.length === 3, 'all three');
            assert.deepEqual(texts(sub.got), [1, 2, 3]);
        });

    test('ten in a pipeline leave one, and then none', async (t) => {
        const client = await connect(t, broker);
        const channel = channelName();
        const sub = client.newSubscription(channel);
        for (let i = 0; i < 10; i += 1) {
            sub.subscribe();
            sub.unsubscribe();
        }
        const subscribed = next(sub, 'subscribed');
        sub.subscribe();
        await subscribed;
        assert.deepEqual(await sub.presenceStats(),
            { numClients: 1, numUsers: 1 });
        sub.unsubscribe();
        await until(async () => {
            const stats = await client.presenceStats(channel);
            return stats.numClients === 0 && stats.numUsers === 0;
        }, 'nobody is left');
    });

    test('many channels on one connection', async (t) => {
        const client = await connect(t, broker);
        const subs = await Promise.all(range(1, 100).map(() =>
            subscribe(client, channelName())));
        await Promise.all(subs.map((sub, i) => sub.publish(pack(i))));
        await until(() => subs.every(({ got }) => got.length === 1), 'each');
        assert.deepEqual(subs.map(({ got }) => texts(got)[0]), range(0, 99));
    });

    test('a name of 255 bytes is a channel, of 256 an error 107',
        async (t) => {
            const client = await connect(t, broker);
            await subscribe(client, 'n'.repeat(255));
            const sub = client.newSubscription('n'.repeat(256));
            const refused = next(sub, 'unsubscribed');
            sub.subscribe();
            assert.equal((await refused).code, 107);
        });

    test('the server can take a subscription away', async (t) => {
        const client = await connect(t, broker, {
            token: token({ sub: 'ada' }, SECRET),
        });
        const sub = await subscribe(client, channelName());
        const gone = next(sub, 'unsubscribed');
        await broker.api('unsubscribe',
            { user: 'ada', channel: sub.channel });
        assert.equal((await gone).code, 2000);
        assert.equal(client.state, 'connected');
    });
});

describe('presence', () => {
    test('it tells clients and users', async (t) => {
        const channel = channelName();
        const as = (user) => connect(t, broker, {
            token: token({ sub: user, info: { at: user } }, SECRET),
        });
        const clients = [await as('ada'), await as('ada'), await as('bob')];
        const subs = [];
        for (const client of clients)
            subs.push(await subscribe(client, channel));
        assert.deepEqual(await subs[0].presenceStats(),
            { numClients: 3, numUsers: 2 });
        const { clients: here } = await subs[0].presence();
        assert.deepEqual(
            Object.values(here).map(({ user, client }) => [user, client])
                .sort(),
            clients.map(({ id }, i) => [i < 2 ? 'ada' : 'bob', id]).sort());

        clients[1].disconnect();
        await until(async () =>
            (await subs[0].presenceStats()).numClients === 2, 'one is gone');
        assert.deepEqual(await subs[0].presenceStats(),
            { numClients: 2, numUsers: 2 });
    });

    test('one may ask from outside', async (t) => {
        const channel = channelName();
        const [a, b] = [await connect(t, broker), await connect(t, broker)];
        assert.deepEqual((await a.presence(channel)).clients, {});
        assert.deepEqual(await a.presenceStats(channel),
            { numClients: 0, numUsers: 0 });
        await subscribe(b, channel);
        assert.deepEqual(Object.keys((await a.presence(channel)).clients),
            [b.id]);
    });

    test('a broken connection does not stay', async (t) => {
        const channel = channelName();
        const [a, b] = [await connect(t, broker), await connect(t, broker)];
        const sub = await subscribe(a, channel);
        await subscribe(b, channel);
        const release = b.hold();
        b.cut();
        await until(async () =>
            (await sub.presenceStats()).numClients === 1, 'it is gone');
        release();
        await until(async () =>
            (await sub.presenceStats()).numClients === 2, 'it is back');
    });
});

describe('joins and leaves', () => {
    const who = (events) => events.map(({ info }) => info.client);

    test('those who ask for them see who comes and goes', async (t) => {
        const channel = channelName();
        const watcher = await connect(t, broker);
        const sub = watcher.newSubscription(channel, { joinLeave: true });
        const joins = collect(sub, 'join');
        const leaves = collect(sub, 'leave');
        sub.subscribe();
        await until(() => joins.length === 1, 'its own join');
        const guests = [];
        for (let i = 0; i < 5; i += 1) {
            guests.push(await connect(t, broker));
            await subscribe(guests[i], channel);
        }
        await until(() => joins.length === 6, 'five more');
        assert.deepEqual(who(joins), [watcher, ...guests].map((c) => c.id));
        guests[0].getSubscription(channel).unsubscribe();
        await until(() => leaves.length === 1, 'the first to leave');
        guests[1].disconnect();
        await until(() => leaves.length === 2, 'the second to leave');
        assert.deepEqual(who(leaves), [guests[0].id, guests[1].id]);
    });

    test('those who do not ask are not told', async (t) => {
        const channel = channelName();
        const a = await connect(t, broker);
        const sub = await subscribe(a, channel);
        const told = [collect(sub, 'join'), collect(sub, 'leave')];
        const b = await connect(t, broker);
        const other = await subscribe(b, channel);
        other.unsubscribe();
        await b.publish(channel, pack('done'));
        await until(() => sub.got.length === 1, 'what came after');
        assert.deepEqual(told, [[], []]);
    });

    test('each join has its leave, also in a hurry', async (t) => {
        const channel = channelName();
        const watcher = await subscribe(await connect(t, broker), channel,
            { joinLeave: true });
        const joins = collect(watcher, 'join');
        const leaves = collect(watcher, 'leave');
        const seen = [];
        watcher.on('join', (ctx) => seen.push(`+${ctx.info.client}`));
        watcher.on('leave', (ctx) => seen.push(`-${ctx.info.client}`));
        const guest = await connect(t, broker);
        const sub = guest.newSubscription(channel);
        for (let i = 0; i < 20; i += 1) {
            const subscribed = next(sub, 'subscribed');
            sub.subscribe();
            await subscribed;
            sub.unsubscribe();
        }
        await until(() => leaves.filter(({ info }) =>
            info.client === guest.id).length === 20, 'twenty leaves');
        const own = seen.filter((what) => what.slice(1) === guest.id);
        assert.deepEqual(own, range(1, 40).map((i) =>
            `${i % 2 ? '+' : '-'}${guest.id}`));
        assert.ok(joins.length >= 20);
    });
});

describe('history', () => {
    async function filled(t, count) {
        const client = await connect(t, broker);
        const channel = channelName();
        for (const i of range(1, count))
            await client.publish(channel, pack(i));
        return { client, channel };
    }

    test('limit, since and reverse choose what comes', async (t) => {
        const { client, channel } = await filled(t, 10);
        const ask = async (options) => {
            const answer = await client.history(channel, options);
            assert.equal(answer.offset, 10);
            return texts(answer.publications);
        };
        const { epoch } = await client.history(channel, { limit: 0 });
        assert.ok(epoch);
        assert.deepEqual(await ask({ limit: 0 }), []);
        assert.deepEqual(await ask({ limit: 3 }), [1, 2, 3]);
        assert.deepEqual(await ask({ limit: -1 }), range(1, 10));
        assert.deepEqual(await ask({ limit: 100 }), range(1, 10));
        assert.deepEqual(await ask({ limit: 2, reverse: true }), [10, 9]);
        const since = { offset: 4, epoch };
        assert.deepEqual(await ask({ limit: 100, since }), range(5, 10));
        assert.deepEqual(await ask({ limit: 2, since }), [5, 6]);
        assert.deepEqual(await ask({ limit: 2, since, reverse: true }),
            [3, 2]);
        assert.deepEqual(
            await ask({ limit: 9, since: { offset: 10, epoch } }), []);
    });

    test('a publication in history has its offset and publisher',
        async (t) => {
            const { client, channel } = await filled(t, 2);
            const { publications } = await client.history(channel,
                { limit: 2 });
            assert.deepEqual(publications.map((pub) => pub.offset), [1, 2]);
            assert.equal(publications[0].info.client, client.id);
        });

    test('a channel nobody wrote to is empty', async (t) => {
        const client = await connect(t, broker);
        const answer = await client.history(channelName(), { limit: 10 });
        assert.deepEqual(answer.publications, []);
        assert.equal(answer.offset, 0);
        assert.ok(answer.epoch);
    });

    test('only the last hundred stay', async (t) => {
        const { client, channel } = await filled(t, 130);
        const { publications, offset } = await client.history(channel,
            { limit: -1 });
        assert.equal(offset, 130);
        assert.deepEqual(texts(publications), range(31, 130));
    });

    test('another epoch is an error 112', async (t) => {
        const { client, channel } = await filled(t, 1);
        const since = { offset: 0, epoch: 'another' };
        const asked = client.history(channel, { limit: 1, since });
        assert.equal((await refusal(asked)).code, 112);
    });

    test('backwards from nothing is an error 107', async (t) => {
        const { client, channel } = await filled(t, 1);
        const { epoch } = await client.history(channel, { limit: 0 });
        const asked = client.history(channel,
            { limit: 1, since: { offset: 0, epoch }, reverse: true });
        assert.equal((await refusal(asked)).code, 107);
    });
});

describe('channels that are JSON', () => {
    let strict;
    before(async () => {
        strict = await Broker.start({ 'channels.data': 'json' });
    });
    after(() => strict.dispose());

    test('refuse other bytes with 107',
        { skip: !protobuf && 'a JSON client cannot send them' },
        async (t) => {
            const client = await connect(t, strict);
            const sub = await subscribe(client, channelName());
            const bytes = new TextEncoder().encode('{"half":');
            assert.equal((await refusal(sub.publish(bytes))).code, 107);
            await sub.publish(pack('whole'));
            await until(() => sub.got.length === 1, 'the good one');
        });

    test('pass JSON', async (t) => {
        const client = await connect(t, strict);
        const sub = await subscribe(client, channelName());
        await sub.publish(pack({ fine: true }));
        await until(() => sub.got.length === 1, 'the publication');
    });
});
