// SPDX-License-Identifier: Apache-2.0
// sdk_actors.test.mjs - rpc, send, addresses and inboxes: parley's additions,
// used through an official SDK that does not know them.
import { after, before, describe, test } from 'node:test';
import assert from 'node:assert/strict';
import { Broker, SECRET } from './broker.mjs';
import {
    channelName, collect, connect, makeClient, next, pack, range, refusal,
    subscribe, token, unpack, until,
} from './harness.mjs';

let broker;
before(async () => (broker = await Broker.start()));
after(() => broker.dispose());

let users = 0;
const userName = () => `user-${++users}`;
const as = (t, user, claims = {}) =>
    connect(t, broker, { token: token({ sub: user, ...claims }, SECRET) });

const rpc = async (client, method, data) =>
    unpack((await client.rpc(method, pack(data))).data);
const post = (client, to, body, type = 'note') =>
    rpc(client, 'actor.send', { to, type, body });

describe('rpc', () => {
    test('sys.whoami tells who one is', async (t) => {
        const user = userName();
        const [a, b] = [await as(t, user), await as(t, user)];
        const answer = await rpc(a, 'sys.whoami', {});
        assert.equal(answer.user, user);
        assert.equal(answer.client, a.id);
        assert.equal(answer.connections, 2);
        assert.ok(answer.permissions.includes('publish'));
        b.disconnect();
        await until(async () =>
            (await rpc(a, 'sys.whoami', {})).connections === 1, 'one left');
    });

    test('a method that nobody knows is an error 108', async (t) => {
        const client = await connect(t, broker);
        for (const method of ['nothing', 'nobody.nothing', ''])
            assert.equal((await refusal(client.rpc(method, pack({})))).code,
                108);
    });

    test('answers belong to their questions', async (t) => {
        const clients = await Promise.all(range(1, 6).map(() =>
            connect(t, broker)));
        await Promise.all(clients.flatMap((client) =>
            range(1, 30).map(async () =>
                assert.equal((await rpc(client, 'sys.whoami', {})).client,
                    client.id))));
    });
});

describe('to a channel', () => {
    test('everyone who is subscribed gets it, with its sender',
        async (t) => {
            const user = userName();
            const a = await as(t, user);
            const sub = await subscribe(await connect(t, broker),
                channelName());
            const to = `channel/${sub.channel}`;
            assert.equal((await post(a, to, { x: [1] })).accepted, 1);
            await until(() => sub.got.length === 1, 'the message');
            const message = unpack(sub.got[0].data);
            assert.deepEqual(message.from, { user, client: a.id });
            assert.equal(message.to, to);
            assert.equal(message.type, 'note');
            assert.deepEqual(message.body, { x: [1] });
            assert.ok(message.id);
        });

    test('nobody pretends to be another', async (t) => {
        const a = await connect(t, broker);
        const sub = await subscribe(a, channelName());
        await rpc(a, 'actor.send', {
            to: `channel/${sub.channel}`,
            type: 'note',
            body: 1,
            from: { user: 'root', client: 'x' },
        });
        await until(() => sub.got.length === 1, 'the message');
        assert.deepEqual(unpack(sub.got[0].data).from,
            { user: '', client: a.id });
    });

    test('send is the cheap form', async (t) => {
        const a = await connect(t, broker);
        const sub = await subscribe(a, channelName());
        const to = `channel/${sub.channel}`;
        for (const i of range(1, 20))
            await a.send(pack({ to, type: 'count', body: i }));
        await until(() => sub.got.length === 20, 'all twenty');
        assert.deepEqual(sub.got.map(({ data }) => unpack(data).body),
            range(1, 20));
    });

    test('a message that nobody handles ends with 3508', async (t) => {
        const client = await connect(t, broker);
        const gone = next(client, 'disconnected');
        await client.send(pack({ what: 'is this' }));
        assert.equal((await gone).code, 3508);
    });
});

describe('to a connection', () => {
    test('it arrives as a message, there alone', async (t) => {
        const user = userName();
        const [a, b] = [await as(t, user), await as(t, user)];
        const [atA, atB] = [collect(a, 'message'), collect(b, 'message')];
        const answer = await post(a, `conn/${b.id}`, 'psst');
        assert.equal(answer.accepted, 1);
        await until(() => atB.length === 1, 'the message');
        const message = unpack(atB[0].data);
        assert.equal(message.body, 'psst');
        assert.deepEqual(message.from, { user, client: a.id });
        assert.deepEqual(atA, []);
    });

    test('from whichever loop to whichever, in order', async (t) => {
        const clients = await Promise.all(range(1, 8).map(() =>
            connect(t, broker)));
        const inboxes = clients.map((client) => collect(client, 'message'));
        await Promise.all(clients.flatMap((from) =>
            clients.flatMap((to) => range(1, 10).map((i) =>
                post(from, `conn/${to.id}`, i)))));
        for (const inbox of inboxes) {
            await until(() => inbox.length === 80, 'eighty messages');
            const messages = inbox.map(({ data }) => unpack(data));
            for (const { id } of clients)
                assert.deepEqual(
                    messages.filter(({ from }) => from.client === id)
                        .map(({ body }) => body), range(1, 10));
        }
    });

    test('one that is gone is an error', async (t) => {
        const [a, b] = [await connect(t, broker), await connect(t, broker)];
        b.disconnect();
        await until(async () => {
            try {
                await post(a, `conn/${b.id}`, 1);
                return false;
            } catch (error) {
                return error.code === 404;
            }
        }, 'the error');
        assert.equal((await refusal(post(a, 'conn/no-such', 1))).code, 404);
    });

    test('who says so gets them as publications', async (t) => {
        const a = await connect(t, broker);
        const b = makeClient(t, broker, { data: pack({ inbox: true }) });
        const got = collect(b, 'publication');
        const pushed = collect(b, 'message');
        const connected = next(b, 'connected');
        b.connect();
        const { client } = await connected;
        await post(a, `conn/${client}`, 'by inbox');
        await until(() => got.length === 1, 'the publication');
        assert.equal(got[0].channel, `@${client}`);
        assert.equal(unpack(got[0].data).body, 'by inbox');
        assert.deepEqual(pushed, []);
    });
});

describe('to a user', () => {
    test('every connection of the user gets it', async (t) => {
        const user = userName();
        const sender = await connect(t, broker);
        const both = [await as(t, user), await as(t, user)];
        const got = both.map((client) => collect(client, 'publication'));
        const answer = await post(sender, `user/${user}`, 'to you');
        assert.equal(answer.accepted, 2);
        assert.ok(answer.stored);
        for (const [i, pubs] of got.entries()) {
            await until(() => pubs.length === 1, `connection ${i}`);
            assert.equal(pubs[0].channel, `#${user}`);
            assert.equal(unpack(pubs[0].data).body, 'to you');
        }
    });

    test('a user who is away finds it on coming back', async (t) => {
        const user = userName();
        const sender = await connect(t, broker);
        const client = await as(t, user);
        const got = collect(client, 'publication');
        await post(sender, `user/${user}`, 1);
        await until(() => got.length === 1, 'the first');

        const room = await subscribe(client, channelName());
        const release = client.hold();
        client.cut();
        await until(async () => {
            const stats = await sender.presenceStats(room.channel);
            return stats.numClients === 0;
        }, 'the user is away');
        for (const i of range(2, 5)) {
            const { stored } = await post(sender, `user/${user}`, i);
            assert.ok(stored);
        }
        const back = next(client, 'subscribed');
        release();
        const reply = await back;
        assert.equal(reply.channel, `#${user}`);
        assert.equal(reply.wasRecovering, true);
        assert.equal(reply.recovered, true);
        await until(() => got.length === 5, 'the rest');
        assert.deepEqual(got.map(({ data }) => unpack(data).body),
            range(1, 5));
    });

    test('the inbox belongs to its user', async (t) => {
        const user = userName();
        const owner = await as(t, user);
        const other = await as(t, userName());
        const inbox = `#${user}`;
        const sub = other.newSubscription(inbox);
        const refused = next(sub, 'unsubscribed');
        sub.subscribe();
        assert.equal((await refused).code, 103);
        for (const client of [other, owner])
            assert.equal(
                (await refusal(client.publish(inbox, pack(1)))).code, 103);
        for (const asked of [
            other.history(inbox, { limit: 10 }),
            other.presence(inbox),
            other.presenceStats(inbox),
            post(other, `channel/${inbox}`, 1),
        ])
            assert.equal((await refusal(asked)).code, 103);
    });

    test('a user reads what came while nobody was there', async (t) => {
        const user = userName();
        const sender = await as(t, userName());
        for (const i of range(1, 3))
            assert.ok((await post(sender, `user/${user}`, i)).stored);
        const owner = await as(t, user);
        const { publications } =
            await owner.history(`#${user}`, { limit: 10 });
        assert.deepEqual(publications.map(({ data }) => unpack(data).body),
            range(1, 3));
    });
});

describe('bad messages', () => {
    test('are refused, and the connection lives on', async (t) => {
        const client = await connect(t, broker);
        for (const data of [
            {}, [], 1, 'x', null, { to: 5, type: 'a', body: 1 },
            { to: 'nowhere', type: 'a', body: 1 },
            { to: 'nowhere/x', type: 'a', body: 1 },
            { to: 'channel/', type: 'a', body: 1 },
            { to: `channel/${'n'.repeat(256)}`, type: 'a', body: 1 },
        ]) {
            const { code } = await refusal(rpc(client, 'actor.send', data));
            assert.ok(code >= 100, `${JSON.stringify(data)}: ${code}`);
        }
        assert.equal((await rpc(client, 'sys.whoami', {})).client, client.id);
    });
});

describe('subscriptions that the server makes', () => {
    test('the channels of a token are subscribed at once', async (t) => {
        const [user, channel, more] = [userName(), channelName(),
            channelName()];
        const client = makeClient(t, broker, {
            token: token({ sub: user, channels: [channel, more] }, SECRET),
        });
        const subscribed = collect(client, 'subscribed');
        const got = collect(client, 'publication');
        const connected = next(client, 'connected');
        client.connect();
        await connected;
        assert.deepEqual(subscribed.map((ctx) => ctx.channel).sort(),
            [channel, more, `#${user}`].sort());
        const other = await connect(t, broker);
        await other.publish(more, pack('news'));
        await until(() => got.length === 1, 'the publication');
        assert.equal(got[0].channel, more);
        assert.deepEqual(Object.keys((await other.presence(more)).clients)
            .length, 1);
    });

    test('they recover with the connection', async (t) => {
        const channel = channelName();
        const writer = await connect(t, broker);
        const client = await as(t, userName(), { channels: [channel] });
        const got = collect(client, 'publication');
        for (const i of range(1, 3)) await writer.publish(channel, pack(i));
        await until(() => got.length === 3, 'the first three');
        const release = client.hold();
        const back = next(client, 'subscribed',
            (ctx) => ctx.channel === channel);
        client.cut();
        for (const i of range(4, 9)) await writer.publish(channel, pack(i));
        release();
        assert.equal((await back).recovered, true);
        await writer.publish(channel, pack(10));
        await until(() => got.length >= 10, 'all ten');
        assert.deepEqual(got.map(({ data }) => unpack(data)), range(1, 10));
        assert.deepEqual(got.map(({ offset }) => offset), range(1, 10));
    });

    test('one without a user has no inbox', async (t) => {
        const client = makeClient(t, broker);
        const subscribed = collect(client, 'subscribed');
        const connected = next(client, 'connected');
        client.connect();
        await connected;
        assert.deepEqual(subscribed, []);
    });
});
