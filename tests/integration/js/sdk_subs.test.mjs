// SPDX-License-Identifier: Apache-2.0
// sdk_subs.test.mjs - the official SDK on subscriptions with tokens, which a
// program that embeds the broker judges (tests/support/parleyd_judged.c).
import { after, before, describe, test } from 'node:test';
import assert from 'node:assert/strict';
import { Broker } from './broker.mjs';
import {
    channelName, collect, connect, next, pack, unpack, until,
} from './harness.mjs';

let broker;
before(async () => (broker = await Broker.start({
    'channels.presence': 'true', 'channels.join_leave': 'true',
})));
after(() => broker.dispose());

// A subscription whose tokens are these, one after the other.
function make(client, tokens, options = {}) {
    const sub = client.newSubscription(channelName(), {
        getToken: async () => {
            sub.asked += 1;
            return tokens[Math.min(sub.asked, tokens.length) - 1];
        },
        ...options,
    });
    sub.asked = 0;
    sub.on('error', () => {}); // what follows from it is looked at
    sub.ends = [collect(sub, 'subscribing'), collect(sub, 'unsubscribed')];
    sub.got = collect(sub, 'publication');
    return sub;
}

async function begin(sub) {
    const subscribed = next(sub, 'subscribed');
    sub.subscribe();
    await subscribed;
    for (const list of sub.ends) list.length = 0;
}

describe('subscription tokens', () => {
    test('a subscription is refreshed again and again', async (t) => {
        const client = await connect(t, broker);
        const sub = make(client, ['for-1']);
        await begin(sub);
        await until(() => sub.asked >= 3, 'two refreshes');
        await sub.publish(pack('still here'));
        await until(() => sub.got.length === 1, 'the publication');
        assert.deepEqual(sub.ends.flat(), []);
    });

    test('one that is for good is refreshed no more', async (t) => {
        const client = await connect(t, broker);
        const sub = make(client, ['for-1', 'good']);
        const other = make(client, ['for-1']);
        await begin(sub);
        await begin(other);
        await until(() => other.asked >= 4, 'three refreshes of another');
        assert.equal(sub.asked, 2);
        assert.deepEqual(sub.ends.flat(), []);
    });

    test('an expired token makes the SDK fetch another', async (t) => {
        const client = await connect(t, broker);
        const sub = make(client, ['old', 'for-600']);
        await begin(sub);
        assert.equal(sub.asked, 2);
    });

    test('a refused refresh ends the subscription', async (t) => {
        const client = await connect(t, broker);
        const sub = make(client, ['for-1', 'wrong']);
        const over = next(sub, 'unsubscribed');
        await begin(sub);
        const { code, reason } = await over;
        assert.equal(code, 103);
        assert.equal(reason, 'no more');
        await client.rpc('sys.whoami', pack({}));
    });

    test('others see the info of a subscription', async (t) => {
        const client = await connect(t, broker);
        const watcher = await connect(t, broker);
        const sub = make(client, ['info']);
        const look = watcher.newSubscription(sub.channel,
            { joinLeave: true });
        const joined = next(look, 'join',
            ({ info }) => info.client === client.id);
        const seen = next(look, 'subscribed');
        look.subscribe();
        await seen;
        await begin(sub);
        assert.deepEqual(unpack((await joined).info.chanInfo), { seat: 7 });
        const { clients } = await look.presence();
        assert.deepEqual(unpack(clients[client.id].chanInfo), { seat: 7 });
        assert.ok(!clients[watcher.id].chanInfo?.length);
        const published = next(look, 'publication');
        await sub.publish(pack({ n: 1 }));
        const { info } = await published;
        assert.equal(info.client, client.id);
        assert.deepEqual(unpack(info.chanInfo), { seat: 7 });
    });
});
