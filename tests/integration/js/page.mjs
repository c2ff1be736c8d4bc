// SPDX-License-Identifier: Apache-2.0
// page.mjs - the chat demo in a headless Chromium: its static server, the
// browser, and one person at one tab.
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import assert from 'node:assert/strict';
import { load, nodeModules, root, until } from './harness.mjs';

const FLAGS = [
    '--headless', '--no-sandbox', '--disable-gpu', '--disable-quic',
    '--no-first-run', '--disable-background-networking',
    '--disable-component-update', '--disable-sync',
    '--disable-dev-shm-usage', '--hide-scrollbars',
    // A tab in the background works on as the one in front does.
    '--disable-background-timer-throttling',
    '--disable-backgrounding-occluded-windows',
    '--disable-renderer-backgrounding',
];

export async function startPageServer(port, endpoint) {
    const child = spawn(process.execPath,
        [join(root, 'tools/demo/server.mjs'), String(port), endpoint,
            nodeModules],
        { stdio: ['ignore', 'pipe', 'inherit'] });
    let said = '';
    child.stdout.on('data', (text) => (said += text));
    const ended = new Promise((done) => child.once('close', done));
    await until(() => said.includes('http://') || child.exitCode !== null,
        'the page server is ready');
    return {
        url: said.match(/http:\/\/\S+/)[0],
        async stop() {
            child.kill('SIGTERM');
            assert.equal(await ended, 0);
        },
    };
}

export async function startBrowser() {
    const executablePath = [process.env.CHROMIUM, '/usr/bin/chromium',
        '/usr/bin/chromium-browser'].find((path) => path && existsSync(path));
    assert.ok(executablePath, 'there is no Chromium: set CHROMIUM');
    const userDataDir = await mkdtemp(join(tmpdir(), 'parley-chromium-'));
    const puppeteer = load('puppeteer-core');
    const browser = await puppeteer.launch({
        executablePath,
        userDataDir,
        args: FLAGS,
        headless: true,
        timeout: 60_000,
        protocolTimeout: 120_000,
    });
    return {
        newPage: () => browser.newPage(),
        async stop() {
            await browser.close();
            await rm(userDataDir, { recursive: true, force: true,
                maxRetries: 5 });
        },
    };
}

// Somebody at a tab of the chat.
export class Person {
    static async enter(browser, url, nick, size) {
        const person = await Person.open(browser, url, nick, size);
        await person.state('connected');
        await person.sees(
            (doc) => !doc.querySelector('#log[aria-busy]'), 'the room');
        return person;
    }

    // The page has a name, and what comes of it is the caller's to see.
    // `prepare` runs in the page before its own scripts.
    static async open(browser, url, nick, size = { width: 1000,
        height: 700 }, prepare = null) {
        const person = new Person();
        person.nick = nick;
        person.complaints = [];
        person.page = await browser.newPage();
        await person.page.setViewport(size);
        person.page.on('pageerror', (error) =>
            person.complaints.push(String(error)));
        person.page.on('console', (message) => {
            const text = message.text();
            if (/Content Security Policy|Refused to/i.test(text))
                person.complaints.push(text);
        });
        if (prepare) await person.page.evaluateOnNewDocument(prepare);
        await person.page.goto(url);
        if (prepare) return person;
        await person.page.waitForSelector('#who[open] #nick');
        await person.page.type('#nick', nick);
        await person.page.keyboard.press('Enter');
        return person;
    }

    // Waits until `test`, run in the page, is true of its document.
    sees(test, what, ...args) {
        const source = `(${test})(document, ...${JSON.stringify(args)})`;
        return until(() => this.page.evaluate(source),
            `${this.nick} sees ${what}`);
    }

    state(name) {
        return this.sees((doc, state) =>
            doc.querySelector('#state').dataset.state === state,
        `the state ${name}`, name);
    }

    async type(text) {
        await this.page.focus('#text');
        await this.page.keyboard.type(text);
    }

    async say(text) {
        await this.type(text);
        await this.page.keyboard.press('Enter');
    }

    read() {
        return this.page.$$eval('#log .message', (items) =>
            items.map((item) => item.querySelector('.text').textContent));
    }

    reads(text, state) {
        return this.sees((doc, wanted, state) =>
            [...doc.querySelectorAll('#log .message')].filter((item) =>
                item.querySelector('.text').textContent === wanted &&
                (!state || item.dataset.state === state)).length === 1,
        `"${text}" once`, text, state);
    }

    // The lines of one class in the log: `note`, `day`.
    lines(className) {
        return this.page.$$eval(`#log .${className}`, (items) =>
            items.map((item) => item.textContent));
    }

    unread(room) {
        return this.page.$$eval('#rooms .room', (buttons, name) =>
            buttons.find((button) => button.textContent === name)
                .dataset.unread ?? '', room);
    }

    seesUnread(room, count) {
        return this.sees((doc, name, count) =>
            ([...doc.querySelectorAll('#rooms .room')]
                .find((button) => button.textContent === name)
                .dataset.unread ?? '') === count,
        `${count || 'nothing'} unread in ${room}`, room, count);
    }

    seesBanner(part) {
        return this.sees((doc, part) =>
            !doc.querySelector('#banner').hidden &&
            doc.querySelector('#banner-text').textContent.includes(part),
        `"${part}" in the banner`, part);
    }

    people() {
        return this.page.$$eval('#people .name', (names) =>
            names.map((name) => name.textContent));
    }

    meets(...nicks) {
        return this.sees((doc, wanted) =>
            JSON.stringify([...doc.querySelectorAll('#people .name')]
                .map((name) => name.textContent).sort()) === wanted,
        `${nicks} in the room`, JSON.stringify([...nicks].sort()));
    }

    seesTyping(line) {
        return this.sees((doc, wanted) =>
            doc.querySelector('#typing').textContent === wanted,
        `"${line}" below the messages`, line);
    }

    async goTo(room) {
        await this.page.evaluate((name) => {
            [...document.querySelectorAll('#rooms .room')]
                .find((button) => button.textContent === name).click();
        }, room);
        await this.sees((doc, name) =>
            doc.querySelector('#room-title').textContent === name &&
            !doc.querySelector('#log[aria-busy]'), `room ${room}`, room);
    }
}
