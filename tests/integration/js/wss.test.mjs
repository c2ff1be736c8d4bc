// SPDX-License-Identifier: Apache-2.0
// wss.test.mjs - the official SDK over TLS, and new certificates on SIGHUP.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'node:test';
import assert from 'node:assert/strict';
import { Broker, freePort } from './broker.mjs';
import {
    WebSocket, channelName, collect, connect, pack, subscribe, texts, until,
} from './harness.mjs';

const folder = mkdtempSync(join(tmpdir(), 'parley-wss-'));
const certificate = join(folder, 'cert.pem');
const key = join(folder, 'key.pem');

// A new certificate for 127.0.0.1, signed by itself.
function certify() {
    execFileSync('openssl', [
        'req', '-x509', '-newkey', 'ec', '-pkeyopt',
        'ec_paramgen_curve:P-256', '-nodes', '-days', '1', '-subj',
        '/CN=parley', '-addext', 'subjectAltName=IP:127.0.0.1',
        '-keyout', key, '-out', certificate,
    ], { stdio: 'ignore' });
}

// Trusts the certificate as it is when the socket is made, and nothing else.
class Secure extends WebSocket {
    constructor(url, protocols) {
        super(url, protocols, { ca: readFileSync(certificate) });
    }
}

test('the SDK talks over TLS and stays when certificates change',
    async (t) => {
        certify();
        t.after(() => rmSync(folder, { recursive: true }));
        const port = await freePort();
        const broker = await Broker.start({
            listen_tls: `[127.0.0.1:${port}]`,
            'tls.certificate': `[${certificate}]`,
            'tls.key': `[${key}]`,
        });
        t.after(() => broker.dispose());
        const secure = {
            url: `wss://127.0.0.1:${port}/connection/websocket`,
        };
        const channel = channelName();
        const first = await connect(t, secure, { websocket: Secure });
        const lost = collect(first, 'disconnected');
        const again = collect(first, 'connecting');
        const sub = await subscribe(first, channel);

        certify();
        broker.child.kill('SIGHUP');
        await until(() => broker.stderr.includes('TLS files reloaded'),
            'the reload is logged');
        // trusts the new certificate only, and comes back until it is shown
        const second = await connect(t, secure, { websocket: Secure });
        await second.publish(channel, pack('over TLS'));
        await until(() => sub.got.length === 1, 'the publication');
        assert.deepEqual(texts(sub.got), ['over TLS']);
        assert.equal(lost.length + again.length, 0);

        first.disconnect();
        second.disconnect();
    });
