// SPDX-License-Identifier: Apache-2.0
// chat.test.mjs - people chat: the demo page in two tabs of a headless
// Chromium, with the demo's own configuration, through a restart of the
// broker.
//
// PARLEY_SCREENSHOT names a file: then the picture of the README is taken.
import { after, before, describe, test } from 'node:test';
import { writeFile } from 'node:fs/promises';
import { get } from 'node:http';
import { join } from 'node:path';
import assert from 'node:assert/strict';
import { Broker, freePort } from './broker.mjs';
import { load, root, WebSocket } from './harness.mjs';
import { Person, startBrowser, startPageServer } from './page.mjs';

const BUSY = { timeout: 240_000 }; // a deadline, for a machine that is busy

let broker;
let server;
let browser;

before(async () => {
    const port = await freePort();
    broker = await Broker.start(
        { 'websocket.allowed_origins': `[http://127.0.0.1:${port}]` },
        { insecure: false, config: join(root, 'tools/demo/parley.yaml') });
    server = await startPageServer(port, broker.url);
    browser = await startBrowser();
});
after(async () => {
    await browser?.stop();
    await server?.stop();
    await broker?.dispose();
});

describe('the page server', () => {
    test('serves its own files and nothing else', async () => {
        for (const path of ['', 'app.js', 'style.css', 'centrifuge.js'])
            assert.equal((await fetch(server.url + path)).status, 200);
        for (const path of ['../server.mjs', '%2e%2e/dev', 'server.mjs',
            'parley.yaml', '__proto__', 'constructor', '//etc/passwd'])
            assert.equal((await fetch(server.url + path)).status, 404);
        // As no browser sends it, so not through fetch.
        const { hostname, port } = new URL(server.url);
        for (const path of ['/../server.mjs', '/..%2fserver.mjs', '*'])
            assert.equal(await new Promise((done) => get(
                { hostname, port, path }, (res) => {
                    res.resume();
                    done(res.statusCode);
                })), 404);
        const posted = await fetch(server.url, { method: 'POST' });
        assert.equal(posted.status, 405);
    });

    test('lets the page load from itself alone', async () => {
        const { headers } = await fetch(server.url);
        const policy = headers.get('content-security-policy');
        assert.match(policy, /default-src 'none'/);
        assert.match(policy, /script-src 'self';/);
        assert.doesNotMatch(policy, /unsafe/);
        assert.equal(headers.get('content-type'),
            'text/html; charset=utf-8');
    });
});

describe('two people', () => {
    let ada;
    let bob;

    test('the first comes in and says something', BUSY, async () => {
        ada = await Person.enter(browser, server.url, 'Ada');
        await ada.meets('Ada');
        await ada.say('Is anybody here?');
        await ada.reads('Is anybody here?', 'sent');
    });

    test('the second sees it on coming in, and who is there', BUSY,
        async () => {
            bob = await Person.enter(browser, server.url, 'Bob');
            await bob.reads('Is anybody here?');
            await bob.meets('Ada', 'Bob');
            await ada.meets('Ada', 'Bob');
        });

    test('who types is seen typing until it is said', BUSY, async () => {
        await bob.type('Yes, I am');
        await ada.seesTyping('Bob is writing…');
        await bob.page.keyboard.press('Enter');
        await ada.reads('Yes, I am');
        await ada.seesTyping('');
        await bob.reads('Yes, I am', 'sent');
    });

    // By protobuf, since JSON has no publication of null.
    test('strangers may publish what they like', BUSY, async () => {
        const { Centrifuge } = load('centrifuge/build/protobuf');
        const stranger = new Centrifuge(broker.url, { websocket: WebSocket });
        stranger.connect();
        await stranger.ready();
        const data = [null, 7, 'text', [], {}, { body: null },
            { type: 'hello', body: { nick: 3 } }, { text: {} }];
        for (const channel of ['signs:lobby', 'room:lobby'])
            for (const one of data)
                await stranger.publish(channel,
                    new TextEncoder().encode(JSON.stringify(one)));
        stranger.disconnect();
        await bob.say('Who was that?');
        await ada.reads('Who was that?');
        await ada.type('Nobody');
        await bob.seesTyping('Ada is writing…');
        await ada.page.keyboard.press('Enter');
        await bob.reads('Nobody');
    });

    test('markup is text', BUSY, async () => {
        const nasty = '<img src=x onerror="pwned=1"><script>pwned=1' +
            '</script><b>bold</b>';
        await bob.say(nasty);
        await ada.reads(nasty);
        assert.equal(await ada.page.evaluate(() =>
            document.querySelectorAll('#log img, #log script, #log .text *')
                .length), 0);
        assert.equal(await ada.page.evaluate(() => window.pwned), undefined);
    });

    test('a new name is told, and is text too', BUSY, async () => {
        await bob.page.click('#rename');
        await bob.page.waitForSelector('#who[open]');
        await bob.page.$eval('#nick', (input) => (input.value = ''));
        await bob.page.type('#nick', '<i>Rob</i>');
        await bob.page.keyboard.press('Enter');
        await ada.meets('Ada', '<i>Rob</i>');
        await bob.meets('Ada', '<i>Rob</i>');
    });

    test('lines and long words stay readable', BUSY, async () => {
        await bob.page.focus('#text');
        await bob.page.keyboard.type('one');
        await bob.page.keyboard.down('Shift');
        await bob.page.keyboard.press('Enter');
        await bob.page.keyboard.up('Shift');
        await bob.say('two');
        await ada.reads('one\ntwo');
        await bob.say('w'.repeat(400));
        await ada.reads('w'.repeat(400));
        assert.equal(await ada.page.evaluate(() =>
            document.documentElement.scrollWidth <= innerWidth), true);
    });

    test('rooms are apart, and remember', BUSY, async () => {
        const before = await ada.read();
        await ada.goTo('music');
        assert.deepEqual(await ada.read(), []);
        await ada.meets('Ada');
        await bob.meets('<i>Rob</i>');
        await ada.say('only here');
        await ada.reads('only here', 'sent');
        await ada.goTo('lobby');
        await ada.meets('Ada', '<i>Rob</i>');
        await ada.reads('one\ntwo');
        assert.deepEqual(await ada.read(), before);
        assert.ok(!(await bob.read()).includes('only here'));
    });

    test('the broker goes and returns: both come back by themselves', BUSY,
        async () => {
            await broker.stop();
            for (const person of [ada, bob]) {
                await person.state('connecting');
                await person.sees((doc) =>
                    !doc.querySelector('#banner').hidden, 'that it is gone');
            }
            await ada.say('said into the void');
            await ada.reads('said into the void', 'pending');

            await broker.run();
            await ada.state('connected');
            await bob.state('connected');
            await ada.reads('said into the void', 'sent');
            await bob.reads('said into the void');
            await ada.meets('Ada', '<i>Rob</i>');
            await bob.meets('Ada', '<i>Rob</i>');
            await bob.say('here we are again');
            await ada.reads('here we are again');
            await bob.reads('here we are again', 'sent');
            await ada.type('?');
            await bob.seesTyping('Ada is writing…');
        });

    test('who leaves is gone from the list', BUSY, async () => {
        await bob.page.close();
        await ada.meets('Ada');
    });

    test('nothing on the page complained', () => {
        assert.deepEqual([ada.complaints, bob.complaints], [[], []]);
    });
});

describe('on a phone', () => {
    test('the lists are a drawer and all fits the width', BUSY, async () => {
        const eve = await Person.enter(browser, server.url, 'Eve',
            { width: 360, height: 640, isMobile: true, hasTouch: true });
        const hidden = () => eve.page.$eval('#side', (side) =>
            getComputedStyle(side).visibility === 'hidden');
        assert.equal(await hidden(), true);
        await eve.page.click('#side-open');
        await eve.sees((doc) => getComputedStyle(
            doc.querySelector('#side')).visibility === 'visible', 'it');
        await eve.goTo('kitchen');
        await eve.say('soup is ready');
        await eve.reads('soup is ready', 'sent');
        assert.equal(await eve.page.evaluate(() =>
            document.documentElement.scrollWidth <= innerWidth), true);
        await eve.page.close();
    });
});

const CONVERSATION = [
    ['Grace', 'Morning! Did the restart last night go unnoticed?'],
    ['Ada', 'I was typing when it happened. It said “Reconnecting…”, and ' +
        'my message went out two seconds later.'],
    ['Edsger', 'No gap on my side, and nothing twice.'],
    ['Grace', 'Then I will not announce the next one either.'],
    ['Ada', 'What are you on?'],
    ['Edsger', 'Phone, on the train. Three tunnels so far.'],
    ['Grace', 'And still no <b>duplicates</b>?'],
    ['Edsger', 'None. Your markup came through as text, by the way.'],
];

test('the picture for the README',
    { ...BUSY, skip: !process.env.PARLEY_SCREENSHOT && 'not asked for' },
    async () => {
        const at = (hash) => `${server.url}#${hash}`;
        const desk = { width: 980, height: 660, deviceScaleFactor: 2 };
        const phone = { width: 340, height: 660, deviceScaleFactor: 2,
            isMobile: true, hasTouch: true };
        const people = {
            Grace: await Person.enter(browser, at('team'), 'Grace', desk),
            Ada: await Person.enter(browser, at('team'), 'Ada', desk),
            Edsger: await Person.enter(browser, at('team'), 'Edsger', phone),
        };
        for (const person of Object.values(people))
            await person.meets(...Object.keys(people));
        for (const [nick, text] of CONVERSATION) {
            await people[nick].say(text);
            for (const person of Object.values(people))
                await person.reads(text);
        }
        const { Ada, Edsger, Grace } = people;
        await Edsger.page.emulateMediaFeatures(
            [{ name: 'prefers-color-scheme', value: 'dark' }]);
        await Grace.type('Good to know');
        await Ada.seesTyping('Grace is writing…');
        await Edsger.seesTyping('Grace is writing…');
        const shots = [];
        for (const person of [Ada, Edsger])
            shots.push(await person.page.screenshot({ encoding: 'base64' }));
        const picture = await combine(shots);
        await writeFile(process.env.PARLEY_SCREENSHOT, picture);
    });

// The two windows side by side, on one sheet.
async function combine(shots) {
    const page = await browser.newPage();
    await page.setViewport({ width: 1430, height: 740 });
    await page.setContent(`<body style="margin:0;display:flex;gap:30px;
        padding:40px;background:#cfd8d3">${shots.map((shot) =>
        `<img src="data:image/png;base64,${shot}" style="height:660px;
        border-radius:12px;box-shadow:0 8px 30px #0005">`).join('')}`);
    const picture = await page.screenshot();
    await page.close();
    return picture;
}
