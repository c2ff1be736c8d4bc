// SPDX-License-Identifier: Apache-2.0
// sdk_recovery.test.mjs - the official SDK after its connection broke: what
// was missed is there, once and in order, or the SDK is told that it is not.
import { after, before, describe, test } from 'node:test';
import assert from 'node:assert/strict';
import { Broker } from './broker.mjs';
import {
    channelName, collect, connect, next, pack, range, subscribe, texts, until,
} from './harness.mjs';

let broker;
before(async () => (broker = await Broker.start()));
after(() => broker.dispose());

const write = async (client, channel, numbers) => {
    for (const i of numbers) await client.publish(channel, pack(i));
};

describe('recovery', () => {
    test('a subscription to a channel with history is recoverable',
        async (t) => {
            const sub = await subscribe(await connect(t, broker),
                channelName());
            assert.equal(sub.reply.recoverable, true);
            assert.equal(sub.reply.positioned, true);
            assert.equal(sub.reply.wasRecovering, false);
            assert.equal(sub.reply.streamPosition.offset, 0);
            assert.ok(sub.reply.streamPosition.epoch);
        });

    test('what was published meanwhile is recovered', async (t) => {
        const writer = await connect(t, broker);
        const reader = await connect(t, broker);
        const sub = await subscribe(reader, channelName());
        await write(writer, sub.channel, range(1, 5));
        await until(() => sub.got.length === 5, 'the first five');

        const release = reader.hold();
        const back = next(sub, 'subscribed');
        reader.cut();
        await write(writer, sub.channel, range(6, 20));
        release();
        const reply = await back;
        assert.equal(reply.wasRecovering, true);
        assert.equal(reply.recovered, true);
        assert.equal(reply.hasRecoveredPublications, true);
        await write(writer, sub.channel, range(21, 25));
        await until(() => sub.got.length >= 25, 'all of them');
        assert.deepEqual(texts(sub.got), range(1, 25));
        assert.deepEqual(sub.got.map((pub) => pub.offset), range(1, 25));
    });

    test('nothing missed is recovered too', async (t) => {
        const reader = await connect(t, broker);
        const sub = await subscribe(reader, channelName());
        await sub.publish(pack(1));
        await until(() => sub.got.length === 1, 'the first');
        const back = next(sub, 'subscribed');
        reader.cut();
        const reply = await back;
        assert.equal(reply.recovered, true);
        assert.equal(reply.hasRecoveredPublications, false);
        await sub.publish(pack(2));
        await until(() => sub.got.length === 2, 'the second');
        assert.deepEqual(texts(sub.got), [1, 2]);
    });

    test('several channels recover at once', async (t) => {
        const writer = await connect(t, broker);
        const reader = await connect(t, broker);
        const subs = [];
        for (let i = 0; i < 12; i += 1)
            subs.push(await subscribe(reader, channelName()));
        const release = reader.hold();
        const back = subs.map((sub) => next(sub, 'subscribed'));
        reader.cut();
        await Promise.all(subs.map((sub, i) =>
            write(writer, sub.channel, range(0, i))));
        release();
        await Promise.all(back);
        for (const [i, sub] of subs.entries()) {
            await until(() => sub.got.length >= i + 1, `channel ${i}`);
            assert.deepEqual(texts(sub.got), range(0, i));
        }
    });

    test('an unsubscribed channel recovers when it is taken up again',
        async (t) => {
            const writer = await connect(t, broker);
            const channel = channelName();
            const sub = await subscribe(await connect(t, broker), channel);
            await write(writer, channel, [1]);
            await until(() => sub.got.length === 1, 'the first');
            const { streamPosition } = sub.reply;
            await write(writer, channel, [2, 3]);
            const later = await subscribe(await connect(t, broker), channel, {
                since: { offset: 1, epoch: streamPosition.epoch },
            });
            assert.equal(later.reply.recovered, true);
            await until(() => later.got.length === 2, 'what was missed');
            assert.deepEqual(texts(later.got), [2, 3]);
        });

    test('from the very beginning, whatever the epoch', async (t) => {
        const writer = await connect(t, broker);
        const channel = channelName();
        await write(writer, channel, range(1, 7));
        const sub = await subscribe(writer, channel,
            { since: { offset: 0, epoch: '' } });
        assert.equal(sub.reply.recovered, true);
        await until(() => sub.got.length === 7, 'all seven');
        assert.deepEqual(texts(sub.got), range(1, 7));
    });

    test('another epoch is not recovered', async (t) => {
        const writer = await connect(t, broker);
        const channel = channelName();
        await write(writer, channel, range(1, 7));
        const sub = await subscribe(writer, channel,
            { since: { offset: 3, epoch: 'another' } });
        assert.equal(sub.reply.wasRecovering, true);
        assert.equal(sub.reply.recovered, false);
        assert.equal(sub.reply.streamPosition.offset, 7);
        await write(writer, channel, [8]);
        await until(() => sub.got.length >= 1, 'what comes next');
        assert.deepEqual(texts(sub.got), [8]);
    });

    test('an offset that was never given is not recovered', async (t) => {
        const writer = await connect(t, broker);
        const channel = channelName();
        await write(writer, channel, range(1, 3));
        const { epoch } = await writer.history(channel, { limit: 0 });
        const sub = await subscribe(writer, channel,
            { since: { offset: 30, epoch } });
        assert.equal(sub.reply.wasRecovering, true);
        assert.equal(sub.reply.recovered, false);
    });

    test('what history no longer holds is not recovered', async (t) => {
        const writer = await connect(t, broker);
        const reader = await connect(t, broker);
        const sub = await subscribe(reader, channelName());
        await write(writer, sub.channel, [1]);
        await until(() => sub.got.length === 1, 'the first');
        const release = reader.hold();
        const back = next(sub, 'subscribed');
        reader.cut();
        await write(writer, sub.channel, range(2, 110));
        release();
        const reply = await back;
        assert.equal(reply.wasRecovering, true);
        assert.equal(reply.recovered, false);
        assert.equal(reply.streamPosition.offset, 110);
        await write(writer, sub.channel, [111]);
        await until(() => sub.got.length === 2, 'what comes next');
        assert.deepEqual(texts(sub.got), [1, 111]);
    });
});

describe('recovery amid traffic', () => {
    // Far more room than a reconnect takes: what is tested is how recovered
    // and live publications are joined, not what happens when they overflow.
    const AHEAD = 5000;
    let roomy;
    before(async () => {
        roomy = await Broker.start({
            'channels.history_size': '100000',
            'limits.outgoing_queue': '64MiB',
        });
    });
    after(() => roomy.dispose());

    test('publications during the resubscription: no gap, none twice',
        async (t) => {
            const writers = [];
            for (let i = 0; i < 3; i += 1)
                writers.push(await connect(t, roomy));
            const reader = await connect(t, roomy,
                { minReconnectDelay: 1, maxReconnectDelay: 20 });
            const sub = await subscribe(reader, channelName());
            const replies = collect(sub, 'subscribed');
            let sent = 0;
            let done = false;
            const writing = writers.map(async (writer) => {
                while (!done) {
                    sent += 1;
                    await writer.publish(sub.channel, pack(sent));
                    if (sent - sub.got.length > AHEAD)
                        await until(() => done ||
                            sent - sub.got.length < AHEAD, 'the reader');
                }
            });
            try {
                for (let round = 1; round <= 10; round += 1) {
                    const before = sub.got.length;
                    await until(() => sub.got.length >= before + 10,
                        'traffic');
                    reader.cut();
                    await until(() => replies.length === round,
                        'it is back');
                }
            } finally {
                done = true;
                await Promise.all(writing);
            }
            await until(() => sub.got.length >= sent, 'every publication');
            assert.ok(replies.every(({ recovered }) => recovered));
            assert.deepEqual(sub.got.map((pub) => pub.offset),
                range(1, sent));
            assert.deepEqual(texts(sub.got).sort((a, b) => a - b),
                range(1, sent));
        });
});

describe('position without subscribers', () => {
    test('epoch and offset outlive the last subscriber', async (t) => {
        const client = await connect(t, broker);
        const channel = channelName();
        const sub = await subscribe(client, channel);
        await sub.publish(pack(1));
        sub.unsubscribe();
        client.removeSubscription(sub);
        const again = await subscribe(client, channel);
        assert.deepEqual(again.reply.streamPosition,
            { offset: 1, epoch: sub.reply.streamPosition.epoch });
    });
});

describe('channels without history', () => {
    let plain;
    before(async () => {
        plain = await Broker.start({ 'channels.history_size': '0' });
    });
    after(() => plain.dispose());

    test('are not recoverable and deliver all the same', async (t) => {
        const sub = await subscribe(await connect(t, plain), channelName());
        assert.equal(sub.reply.recoverable, false);
        await sub.publish(pack(1));
        await until(() => sub.got.length === 1, 'the publication');
    });
});
