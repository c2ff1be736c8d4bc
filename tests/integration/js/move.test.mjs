// SPDX-License-Identifier: Apache-2.0
// move.test.mjs - a site of Centrifugo moves to parley: its configuration, its
// backend, its programs and its page stay as they are, and everything works
// with the file read directly and with the file imported.
import { after, before, describe, test } from 'node:test';
import { execFileSync } from 'node:child_process';
import { generateKeyPairSync, sign } from 'node:crypto';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { createServer as createSecureServer } from 'node:https';
import { join } from 'node:path';
import assert from 'node:assert/strict';
import { Broker, freePort } from './broker.mjs';
import {
    collect, connect, load, next, nodeModules, now, refusal, subscribe, texts,
    token, until,
} from './harness.mjs';
import { startBrowser } from './page.mjs';

const KEY = 'd7627bb6-2292-4911-82e1-615c0ed3eebb';
const SUB_SECRET = 'the-secret-of-subscriptions-that-is-long-enough';
const BUSY = { timeout: 240_000 };

// --- What the site has: a configuration, an identity provider, a backend ---

const configuration = (port, keys, page) => ({
    http_server: { address: '127.0.0.1', port },
    client: {
        token: { jwks_public_endpoint: keys, issuer: 'https://id.example' },
        subscription_token: { enabled: true, hmac_secret_key: SUB_SECRET },
        allowed_origins: [page],
    },
    channel: {
        without_namespace: { history_size: 1, history_ttl: '1m' },
        namespaces: [
            { name: 'chat', history_size: 10, history_ttl: '10m',
                force_recovery: true, presence: true, join_leave: true,
                force_push_join_leave: true,
                allow_subscribe_for_client: true,
                allow_publish_for_subscriber: true,
                allow_history_for_subscriber: true,
                allow_presence_for_subscriber: true },
            { name: 'dialog', allow_user_limited_channels: true,
                allow_publish_for_subscriber: true },
            { name: 'news', allow_subscribe_for_client: true,
                allow_subscribe_for_anonymous: true },
        ],
    },
    http_api: { key: KEY },
});

// An identity provider: tokens signed with RS256, and its public key over
// HTTPS with a certificate of its own.
class Provider {
    static async start(folder) {
        const provider = new Provider();
        const { publicKey, privateKey } =
            generateKeyPairSync('rsa', { modulusLength: 2048 });
        provider.key = privateKey;
        provider.certificate = join(folder, 'provider.pem');
        const secret = join(folder, 'provider.key');
        execFileSync('openssl', [
            'req', '-x509', '-newkey', 'ec', '-pkeyopt',
            'ec_paramgen_curve:P-256', '-nodes', '-days', '1', '-subj',
            '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost',
            '-keyout', secret, '-out', provider.certificate,
        ], { stdio: 'ignore' });
        const jwk = { ...publicKey.export({ format: 'jwk' }), kid: 'one',
            use: 'sig', alg: 'RS256' };
        provider.requests = 0;
        provider.server = createSecureServer({
            key: readFileSync(secret),
            cert: readFileSync(provider.certificate),
        }, (request, answer) => {
            provider.requests += 1;
            answer.writeHead(request.url === '/keys' ? 200 : 404);
            answer.end(JSON.stringify({ keys: [jwk] }));
        }).listen(0, '127.0.0.1');
        await once(provider.server, 'listening');
        const { port } = provider.server.address();
        provider.url = `https://localhost:${port}/keys`;
        return provider;
    }

    token(claims) {
        const text = [{ alg: 'RS256', kid: 'one' },
            { iss: 'https://id.example', exp: now() + 3600, ...claims }]
            .map((part) => Buffer.from(JSON.stringify(part))
                .toString('base64url')).join('.');
        const made = sign('sha256', text, this.key);
        return `${text}.${made.toString('base64url')}`;
    }

    stop() {
        this.server.close();
        this.server.closeAllConnections();
    }
}

const subToken = (user, channel, claims = {}) =>
    token({ sub: user, channel, exp: now() + 3600, ...claims }, SUB_SECRET);

const PAGE = `<!doctype html><title>site</title><ul></ul>
<script src="/centrifuge.js"></script><script src="/page.js"></script>`;

// The page of the site; it shows what comes, and joins in.
function page(endpoint) {
    const show = (text) => {
        document.querySelector('ul').appendChild(
            document.createElement('li')).textContent = text;
    };
    const ask = (path) => fetch(path).then((answer) => answer.text());
    const client = new Centrifuge(endpoint, {
        getToken: () => ask('/token?user=eve'),
    });
    const listen = (channel, options) => {
        const sub = client.newSubscription(channel, options);
        sub.on('subscribed', () => show(`in ${channel}`));
        sub.on('error', ({ error }) => show(`${channel} ${error.code}`));
        sub.on('publication', ({ data }) => show(`${channel}: ${data.text}`));
        sub.subscribe();
        return sub;
    };
    const lobby = listen('chat:lobby');
    listen('$chat:board', {
        getToken: () => ask('/sub_token?user=eve&channel=$chat:board'),
    });
    lobby.on('subscribed', () => lobby.publish({ text: 'eve is here' }));
    client.on('disconnected', ({ code }) => show(`disconnected ${code}`));
    client.connect();
}

// The backend: it hands tokens to those that it knows, and the page.
async function startBackend(provider) {
    const backend = { endpoint: null };
    const answers = {
        '/': () => ['text/html', PAGE],
        '/centrifuge.js': () => ['text/javascript', readFileSync(
            join(nodeModules, 'centrifuge/dist/centrifuge.js'))],
        '/page.js': () => ['text/javascript',
            `(${page})(${JSON.stringify(backend.endpoint)});`],
        '/token': (query) => ['text/plain',
            provider.token({ sub: query.get('user') })],
        '/sub_token': (query) => ['text/plain',
            subToken(query.get('user'), query.get('channel'))],
    };
    backend.server = createServer((request, answer) => {
        const { pathname, searchParams } = new URL(request.url, 'http://x');
        const [type, body] =
            answers[pathname]?.(searchParams) ?? ['text/plain', ''];
        answer.writeHead(body === '' ? 404 : 200, { 'Content-Type': type });
        answer.end(body);
    }).listen(0, '127.0.0.1');
    await once(backend.server, 'listening');
    backend.url = `http://127.0.0.1:${backend.server.address().port}`;
    backend.stop = () => {
        backend.server.close();
        backend.server.closeAllConnections();
    };
    return backend;
}

// --- A broker that is given what is there ---

class Moved extends Broker {
    // What no file of Centrifugo says: where the tests look, and that the
    // provider's certificate is its own.
    settings() {
        return {
            loops: '2',
            'limits.loop_lag': '0',
            'admin.listen': `127.0.0.1:${this.adminPort}`,
            'admin.socket': join(this.folder, 'admin.sock'),
            'auth.jwks_ca': this.provider.certificate,
        };
    }

    arguments() {
        return [...super.arguments(), ...this.files];
    }

    get key() {
        return KEY;
    }

    // As a backend calls Centrifugo: on the port of the clients.
    async call(method, body, key = KEY) {
        const answer = await fetch(
            `http://127.0.0.1:${this.port}/api/${method}`, {
                method: 'POST',
                headers: { 'X-API-Key': key },
                body: JSON.stringify(body),
            });
        return answer.ok ? answer.json() : { status: answer.status };
    }
}

let broker;
let provider;
let backend;
let browser;
const files = {};

before(async () => {
    broker = new Moved({}, { insecure: false });
    await broker.place();
    provider = broker.provider = await Provider.start(broker.folder);
    backend = await startBackend(provider);
    backend.endpoint = broker.url;
    const file = join(broker.folder, 'config.json');
    const own = join(broker.folder, 'parley.yaml');
    await writeFile(file, JSON.stringify(
        configuration(broker.port, provider.url, backend.url)),
    { mode: 0o600 });
    await writeFile(own, execFileSync(process.env.PARLEY,
        ['import-config', file], { env: {} }), { mode: 0o600 });
    files['read directly'] = ['--centrifugo', file];
    files.imported = ['-c', own];
    browser = await startBrowser();
}, BUSY);
after(async () => {
    await browser?.stop();
    await broker?.dispose();
    provider?.stop();
    backend?.stop();
});

for (const how of ['read directly', 'imported']) {
    describe(`a file of Centrifugo, ${how}`, () => {
        let ann;
        let lobby;
        const enter = (t, claims) =>
            connect(t, broker, { token: provider.token(claims) });
        const ends = []; // of the client that stays for all tests

        before(async () => {
            broker.files = files[how];
            provider.requests = 0;
            await broker.run();
        });
        after(async () => {
            ends.forEach((end) => end());
            await broker.stop();
            assert.equal(provider.requests, 1); // its keys are kept
            for (const secret of [KEY, SUB_SECRET, 'eyJ'])
                assert.ok(!broker.stderr.includes(secret));
        });

        test('a program joins with a token of the provider', async () => {
            ann = await enter({ after: (end) => ends.push(end) },
                { sub: 'ann' });
            lobby = await subscribe(ann, 'chat:lobby');
            lobby.joined = collect(lobby, 'join');
            await lobby.publish({ text: 'hello' });
            await until(() => lobby.got.length === 1, 'its own publication');
        });

        test('another issuer, key or time opens nothing', async (t) => {
            const { privateKey } =
                generateKeyPairSync('rsa', { modulusLength: 2048 });
            const stranger = { key: privateKey, token: provider.token };
            for (const bad of [provider.token({ sub: 'x', iss: 'other' }),
                provider.token({ sub: 'x', channel: 'chat:lobby' }),
                stranger.token({ sub: 'x' }), token({ sub: 'x' }, KEY),
                subToken('x', 'chat:lobby')]) {
                const client = connectAnyhow(t, bad);
                const { code } = await next(client, 'disconnected');
                assert.equal(code, 3500);
            }
            const late = connectAnyhow(t,
                provider.token({ sub: 'x', exp: now() - 10 }), {
                    getToken: async () => provider.token({ sub: 'late' }),
                });
            await next(late, 'connected');
        });

        test('names are what their namespaces make of them', async (t) => {
            const client = await enter(t, { sub: 'bob' });
            const unnamed = await enter(t, {});
            const of = (who, channel, options = {}) => new Promise((done) => {
                const sub = who.newSubscription(channel, options);
                sub.on('subscribed', () => done(0));
                sub.on('unsubscribed', ({ code }) => done(code));
                sub.on('error', ({ error }) => done(error.code));
                sub.subscribe();
            });
            for (const [who, channel, code, claims] of [
                [client, 'dialog:x#bob,ann', 0], [client, 'dialog:x#ann', 103],
                [client, 'dialog:x', 103], [client, 'news:1', 0],
                [unnamed, 'news:1', 0], [unnamed, 'chat:lobby', 103],
                [client, 'none:1', 102], [client, 'plain', 103],
                [client, '$chat:board', 0, {}], [client, '$chat:no', 103],
                [client, '$none:1', 102, {}],
                [client, 'plain#bob', 0, { exp: now() + 60 }],
            ])
                assert.equal(await of(who, channel, claims === undefined ?
                    {} : { token: subToken('bob', channel, claims) }), code,
                channel);
            assert.equal((await refusal(client.publish('news:1', {}))).code,
                103);
            assert.equal((await refusal(client.history('chat:lobby'))).code,
                103);
            assert.equal((await refusal(client.presence('news:1'))).code,
                108);
        });

        test('the backend calls the API with its key', async () => {
            assert.equal((await broker.call('info', {}, 'wrong')).status, 401);
            const { result } = await broker.call('publish', {
                channel: 'chat:lobby', data: { text: 'from the backend' },
                tags: { a: 'b' }, idempotency_key: 'once' });
            assert.equal(result.offset, 2);
            assert.deepEqual((await broker.call('publish', {
                channel: 'chat:lobby', data: { text: 'from the backend' },
                idempotency_key: 'once' })).result, result);
            await until(() => lobby.got.length === 2, 'what it published');
            assert.deepEqual(lobby.got[1].tags, { a: 'b' });
            const { replies } = await broker.call('batch', { commands: [
                { presence_stats: { channel: 'chat:lobby' } },
                { history: { channel: 'chat:lobby', limit: -1 } },
                { publish: { channel: 'none:1', data: {} } },
            ] });
            assert.equal(replies[0].presence_stats.num_users, 1);
            assert.equal(replies[1].history.publications.length, 2);
            assert.equal(replies[2].error.code, 102);
        });

        test('a cut connection recovers what it missed', async () => {
            const release = ann.hold();
            ann.cut();
            await next(ann, 'connecting');
            await broker.call('publish', { channel: 'chat:lobby',
                data: { text: 'while away' } });
            const back = next(lobby, 'subscribed');
            release();
            assert.equal((await back).recovered, true);
            await until(() => lobby.got.length === 3, 'what it missed');
        });

        test('the page of the site works in a browser', BUSY, async () => {
            const tab = await browser.newPage();
            const lines = () => tab.$$eval('li', (items) =>
                items.map((item) => item.textContent));
            const shows = (line) => until(async () =>
                (await lines()).includes(line), `the page shows ${line}`);
            await tab.goto(backend.url);
            await shows('in chat:lobby');
            await shows('in $chat:board');
            await until(() => texts(lobby.got).some(
                ({ text }) => text === 'eve is here'), 'the page says');
            assert.ok(lobby.joined.some(({ info }) => info.user === 'eve'));
            for (const channel of ['chat:lobby', '$chat:board']) {
                await broker.call('publish',
                    { channel, data: { text: 'for the page' } });
                await shows(`${channel}: for the page`);
            }
            await broker.call('disconnect', { user: 'eve',
                disconnect: { code: 4501, reason: 'enough' } });
            await shows('disconnected 4501');
            await tab.close();
        });

        test('a page of another site does not get in', BUSY, async () => {
            const tab = await browser.newPage();
            // another port is another origin
            const other = await startBackend(provider);
            other.endpoint = broker.url;
            await tab.goto(other.url);
            const code = await tab.evaluate((endpoint) =>
                new Promise((done) => {
                    const socket = new WebSocket(endpoint);
                    socket.onopen = () => done('open');
                    socket.onclose = (event) => done(event.code);
                }), broker.url);
            assert.equal(code, 1006);
            await tab.close();
            other.stop();
        });
    });
}

// A client that need not get in.
function connectAnyhow(t, bad, options = {}) {
    const { Centrifuge } = load('centrifuge');
    const client = new Centrifuge(broker.url, {
        websocket: load('ws').WebSocket, token: bad, minReconnectDelay: 10,
        ...options,
    });
    client.on('error', () => {});
    t.after(() => client.disconnect());
    client.connect();
    return client;
}
