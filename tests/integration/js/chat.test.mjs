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
        for (const channel of ['signs.lobby', 'room.lobby'])
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

// Somebody who publishes without a page.
async function stranger() {
    const { Centrifuge } = load('centrifuge');
    const client = new Centrifuge(broker.url, { websocket: WebSocket });
    client.connect();
    await client.ready();
    return client;
}

describe('a room with a past', () => {
    const KEPT = 150;
    const DAY = 24 * 3600 * 1000;
    let ada;

    before(async () => {
        const client = await stranger();
        for (let i = 1; i <= KEPT; i++) {
            await client.publish('room.archive', {
                id: `old ${i}`, nick: 'Ida', text: `message ${i}`,
                at: Date.now() - (i <= 50 ? 3 : i <= 100 ? 1 : 0) * DAY,
            });
        }
        client.disconnect();
    });

    test('all that is kept can be reached, in order and once', BUSY,
        async () => {
            ada = await Person.enter(browser, `${server.url}#archive`, 'Ada');
            await ada.reads(`message ${KEPT}`);
            assert.ok((await ada.read()).length < KEPT);
            for (;;) {
                const place = await ada.page.evaluate(() => {
                    const scroll = document.querySelector('#scroll');
                    scroll.scrollTop = 0;
                    return document.querySelectorAll('#log .message').length;
                });
                await ada.sees((doc, before) =>
                    doc.querySelector('#older').hidden ||
                    doc.querySelectorAll('#log .message').length > before,
                'more', place);
                if (await ada.page.$eval('#older', (one) => one.hidden)) break;
            }
            assert.deepEqual(await ada.read(),
                Array.from({ length: KEPT }, (_, i) => `message ${i + 1}`));
        });

    test('what is read stays in its place while more is put above it', BUSY,
        async () => {
            const bob = await Person.enter(browser, `${server.url}#archive`,
                'Bob');
            await bob.reads(`message ${KEPT}`);
            // By the button, from a place that loads nothing by itself.
            const [before, moved] = await bob.page.evaluate(async () => {
                const scroll = document.querySelector('#scroll');
                const count = () =>
                    document.querySelectorAll('#log .message').length;
                scroll.scrollTop = 400;
                await new Promise(requestAnimationFrame);
                const item = document.querySelector('#log .message');
                const top = item.getBoundingClientRect().top;
                const had = count();
                document.querySelector('#older').click();
                while (count() === had)
                    await new Promise(requestAnimationFrame);
                return [had, item.getBoundingClientRect().top - top];
            });
            assert.ok(before < KEPT);
            assert.ok(Math.abs(moved) < 80, `moved by ${moved}`);
            await bob.page.close();
        });

    test('each day has its date, once', BUSY, async () => {
        const days = await ada.lines('day');
        assert.equal(days.length, 3);
        assert.match(days[0], /\d{4}/);
        assert.deepEqual(days.slice(1), ['Yesterday', 'Today']);
    });

    test('a link is a link, and nothing else is', BUSY, async () => {
        const text = 'see https://example.org/a?b=1&c=<2> (or ' +
            'http://example.org/x_(y)), not javascript:alert(1), ' +
            'data:text/html,x or ftp://example.org; https:// is none. ' +
            'End: HTTPS://EXAMPLE.org.';
        await ada.say(text);
        await ada.reads(text, 'sent');
        const links = await ada.page.$$eval('#log .text a', (all) =>
            all.map((a) => [a.textContent, a.href, a.target, a.rel]));
        const safe = ['_blank', 'noopener noreferrer nofollow'];
        assert.deepEqual(links, [
            ['https://example.org/a?b=1&c=', 'https://example.org/a?b=1&c=',
                ...safe],
            ['http://example.org/x_(y)', 'http://example.org/x_(y)', ...safe],
            ['HTTPS://EXAMPLE.org', 'https://example.org/', ...safe],
        ]);
        assert.equal(await ada.page.evaluate(() =>
            document.querySelectorAll('#log .text :not(a)').length), 0);
    });

    test('other rooms show what is unread, until they are opened', BUSY,
        async () => {
            const client = await stranger();
            const say = (text) =>
                client.publish('room.music', { nick: 'Eve', text });
            assert.equal(await ada.unread('music'), '');
            await say('one');
            await say('two');
            await ada.seesUnread('music', '2');
            await ada.goTo('music');
            await ada.reads('two');
            await ada.seesUnread('music', '');
            await ada.goTo('archive');
            await say('three');
            await ada.seesUnread('music', '1');
            // Who only watches a room is not in it.
            const { clients } = await client.presence('signs.music');
            assert.deepEqual(clients, {});
            client.disconnect();
        });

    test('nothing on the page complained', async () => {
        assert.deepEqual(ada.complaints, []);
        await ada.page.close();
    });
});

describe('three people, two of one name', () => {
    let ada;
    let other;

    test('they are told apart, in the list and in what they say', BUSY,
        async () => {
            const url = `${server.url}#twins`;
            ada = await Person.enter(browser, url, 'Ada');
            other = await Person.enter(browser, url, 'ada');
            await ada.meets('Ada', 'ada');
            await other.say('Which of us?');
            await ada.reads('Which of us?');
            await ada.sees((doc) => doc.querySelectorAll(
                '#people .tag').length === 2, 'two tags');
            const tags = await ada.page.$$eval('#people .tag', (all) =>
                all.map((tag) => tag.textContent));
            assert.notEqual(tags[0], tags[1]);
            const shown = await ada.page.$$eval('#log .message .tag', (all) =>
                all.filter((tag) => !tag.hidden).map((tag) => tag.textContent));
            assert.deepEqual(shown, [tags[1]]); // the first is oneself
        });

    test('one name alone has no tag', BUSY, async () => {
        await other.page.close();
        await ada.meets('Ada');
        await ada.sees((doc) =>
            [...doc.querySelectorAll('.tag')].every((tag) => tag.hidden),
        'no tag');
    });

    test('comings and goings share a line', BUSY, async () => {
        const bob = await Person.enter(browser, `${server.url}#twins`, 'Bob');
        await ada.meets('Ada', 'Bob');
        await ada.say('Hello Bob');
        await bob.reads('Hello Bob');
        for (let i = 0; i < 2; i++) {
            await bob.goTo('music');
            await ada.meets('Ada');
            await bob.goTo('twins');
            await ada.meets('Ada', 'Bob');
        }
        await ada.sees((doc) => [...doc.querySelectorAll('#log .note')].at(-1)
            .textContent === 'Bob left and came back', 'one line');
        const after = await ada.page.$$eval('#log > li', (all) =>
            all.map((item) => item.className)
                .slice(all.findLastIndex((item) => item.by) + 1));
        assert.deepEqual(after, ['note']);
        await bob.page.close();
        await ada.sees((doc) => [...doc.querySelectorAll('#log .note')].at(-1)
            .textContent === 'Bob left', 'that he left');
        await ada.page.close();
    });
});

describe('what the page cannot do it says itself', () => {
    test('no broker, and where it looked', BUSY, async () => {
        const nowhere = `ws://127.0.0.1:${await freePort()}/connection/` +
            'websocket';
        const lost = await startPageServer(await freePort(), nowhere);
        const ada = await Person.open(browser, lost.url, 'Ada');
        await ada.seesBanner(`No connection to ${nowhere}`);
        await ada.seesBanner(`allowed_origins needs ${
            new URL(lost.url).origin}`);
        await ada.page.close();
        await lost.stop();
    });

    test('no WebSocket', BUSY, async () => {
        const ada = await Person.open(browser, server.url, 'Ada', undefined,
            'delete window.WebSocket');
        await ada.seesBanner('does not have: WebSocket');
        await ada.page.close();
    });

    test('no permission to read, to write, to see the past', BUSY,
        async () => {
            const port = await freePort();
            const strict = await Broker.start({
                'websocket.allowed_origins': `[http://127.0.0.1:${port}]`,
                'channels.allow_publish': 'none',
                'channels.allow_history': 'none',
            }, { insecure: false, config: join(root, 'tools/demo/parley.yaml') });
            const page = await startPageServer(port, strict.url);
            const ada = await Person.enter(browser, page.url, 'Ada');
            await ada.seesBanner('channels.allow_');
            await ada.say('Hello?');
            await ada.sees((doc) => doc.querySelector('#log .status')
                .textContent.includes('you may not write here'), 'why');
            await ada.page.close();
            await page.stop();
            await strict.dispose();
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
