// SPDX-License-Identifier: Apache-2.0
// broker.mjs - one parleyd of one's own: started on free loopback ports,
// waited for, stopped by its process id and then asked how it went.
import { spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import assert from 'node:assert/strict';
import { until } from './harness.mjs';

export const SECRET = 'a-secret-of-the-tests-that-is-long-enough';
export const API_KEY = 'the-key-of-the-tests';

const SICK = /Sanitizer|runtime error:|assertion|Assertion/;
const STOP_MS = 60_000; // a deadline for a hanging stop, not an expectation

// The ledgers are exact for each loop at the end of every turn, and so in
// whatever a loop has published, at any time.
const LEDGERS = {
    commands_received: /^commands_(answered|refused|silent|cancelled|pending)$/,
    mail_enqueued: /^(mail_handled|mail_queued|dead_letters_\w+)$/,
    deliveries_owed: /^deliveries_(sent|dropped_\w+|cancelled|queued)$/,
};
const IN_PROGRESS = ['commands_pending', 'deliveries_queued', 'mail_queued'];

function checkLedgers(loops) {
    for (const [index, loop] of loops.entries()) {
        for (const [name, value] of Object.entries(loop))
            assert.ok(value < 2n ** 63n, `${name} of loop ${index} < 0`);
        for (const [name, parts] of Object.entries(LEDGERS)) {
            const settled = Object.entries(loop)
                .filter(([part]) => parts.test(part))
                .reduce((sum, [, value]) => sum + value, 0n);
            assert.equal(settled, loop[name], `${name} of loop ${index}`);
        }
    }
}

function sumOf(loops) {
    const sum = {};
    for (const loop of loops) {
        for (const [name, value] of Object.entries(loop))
            sum[name] = (sum[name] ?? 0n) + value;
    }
    return sum;
}

// Below what the kernel gives to connections: among thousands of them, one
// would take the port of a broker that is down for a moment to start again.
export async function freePort() {
    for (;;) {
        const port = 10_000 + Math.floor(Math.random() * 22_000);
        const server = createServer();
        const isFree = await new Promise((done) => {
            server.once('error', () => done(false));
            server.listen(port, '127.0.0.1', () => done(true));
        });
        if (!isFree) continue;
        await new Promise((done) => server.close(done));
        return port;
    }
}

export class Broker {
    // `settings` go to --set, over what every test needs.  Without
    // `insecure` nothing is allowed that they, or the file `config`, do not
    // allow.
    constructor(settings = {}, { insecure = true, config } = {}) {
        this.own = settings;
        this.insecure = insecure;
        this.config = config;
        this.stderr = '';
    }

    static async start(settings, options) {
        const broker = new Broker(settings, options);
        await broker.place();
        await broker.run();
        return broker;
    }

    // Gives it its ports and a folder.
    async place() {
        this.port = await freePort();
        this.adminPort = await freePort();
        this.folder = await mkdtemp(join(tmpdir(), 'parley-test-'));
    }

    settings() {
        return {
            listen: `[127.0.0.1:${this.port}]`,
            loops: process.env.PARLEY_LOOPS ?? '1',
            'limits.loop_lag': '0', // sanitizers are slow
            'websocket.deflate': process.env.PARLEY_DEFLATE ?? 'false',
            'admin.listen': `127.0.0.1:${this.adminPort}`,
            'admin.socket': join(this.folder, 'admin.sock'),
            'auth.hmac_secret': SECRET,
            'api.key': API_KEY,
            ...this.own,
        };
    }

    arguments() {
        const args = Object.entries(this.settings()).flatMap(
            ([key, value]) => ['--set', `${key}=${value}`]
        );
        if (this.insecure) args.push('--insecure');
        if (this.config) args.push('-c', this.config);
        return args;
    }

    // Starts it, again after stop() on the same ports.
    async run() {
        const program = process.env.PARLEYD;
        assert.ok(program, 'PARLEYD names the broker to test');
        this.stderr = '';
        this.child = spawn(program, this.arguments(), {
            stdio: ['ignore', 'ignore', 'pipe'],
            env: Object.fromEntries(
                Object.entries(process.env).filter(
                    ([name]) => !name.startsWith('PARLEY_') // of the tests
                )
            ),
        });
        this.child.stderr.setEncoding('utf8');
        this.child.stderr.on('data', (text) => (this.stderr += text));
        this.ended = new Promise((done, fail) => {
            this.child.once('error', fail);
            this.child.once('close', (code, signal) =>
                done({ code, signal })
            );
        });
        this.ended.catch(() => {});
        await until(() => this.ready(), 'the broker is ready');
    }

    async ready() {
        const { exitCode, signalCode } = this.child;
        if (exitCode !== null || signalCode !== null)
            throw new Error(`parleyd has ended:\n${this.stderr}`);
        try {
            const answer = await fetch(`${this.admin}/ready`);
            return answer.ok;
        } catch {
            return false; // nobody listens yet
        }
    }

    get url() {
        return `ws://127.0.0.1:${this.port}/connection/websocket`;
    }

    get key() {
        return this.settings()['api.key'];
    }

    get admin() {
        return `http://127.0.0.1:${this.adminPort}`;
    }

    // One request of the server API, as Centrifugo's HTTP API clients send it.
    async api(method, body, key = API_KEY) {
        const answer = await fetch(`${this.admin}/api/${method}`, {
            method: 'POST',
            headers: { 'Content-Type': 'application/json', 'X-API-Key': key },
            body: JSON.stringify(body),
        });
        const text = await answer.text();
        if (!answer.ok) return { status: answer.status, text };
        return { status: answer.status, ...JSON.parse(text) };
    }

    // What each loop has counted, by name: a list of objects.
    async metrics() {
        const answer = await fetch(`${this.admin}/metrics`, {
            headers: { 'X-API-Key': this.key },
        });
        const loops = [];
        for (const [, name, loop, value] of (await answer.text()).matchAll(
            /^parley_(\w+?)(?:_total)?\{loop="(\d+)"\} (\d+)$/gm))
            (loops[loop] ??= {})[name] = BigInt(value);
        assert.ok(loops.length > 1, 'a worker and the control loop');
        return loops;
    }

    // Wait until nothing is in work or on its way any more.
    async rest() {
        await until(async () => {
            const sum = sumOf(await this.metrics());
            return IN_PROGRESS.every((name) => sum[name] === 0n) &&
                sum.posts_sent + sum.posts_foreign === sum.posts_taken;
        }, 'nothing is in work');
    }

    // SIGTERM, and then everything must be as after a good life.
    async stop() {
        if (!this.child) return;
        const { child } = this;
        // Judged behind its end: a broker that is left would keep Node alive.
        const loops = await this.metrics().catch((error) => error);
        this.child = null;
        child.kill('SIGTERM');
        const timer = setTimeout(() => child.kill('SIGKILL'), STOP_MS);
        const { code, signal } = await this.ended;
        clearTimeout(timer);
        assert.doesNotMatch(this.stderr, SICK);
        assert.deepEqual({ code, signal }, { code: 0, signal: null },
            `parleyd did not end well:\n${this.stderr}`);
        if (loops instanceof Error) throw loops;
        checkLedgers(loops);
    }

    async dispose() {
        try {
            if (this.child) await this.rest();
        } finally {
            await this.stop().finally(() =>
                rm(this.folder, { recursive: true, force: true }));
        }
    }
}
