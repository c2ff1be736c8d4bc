// SPDX-License-Identifier: Apache-2.0
// page.mjs - a member of a room by the code of the chat page: tools/demo/room.js
// on the official SDK, without a browser.
//
// page.mjs URL ROOM NICK: each line of stdin is [method, argument...] of the
// room, as JSON; each line of stdout is what happened there.
import { readFileSync } from 'node:fs';
import { webcrypto } from 'node:crypto';
import { createInterface } from 'node:readline';
import { join } from 'node:path';
import { load, root, WebSocket } from '../js/harness.mjs';

globalThis.crypto ??= webcrypto;
const { Centrifuge } = load('centrifuge');
const source = readFileSync(join(root, 'tools/demo/room.js'), 'utf8');
const { Room } = await import(
    `data:text/javascript,${encodeURIComponent(source)}`);

const [url, name, nick] = process.argv.slice(2);
const tell = (...what) => process.stdout.write(`${JSON.stringify(what)}\n`);
const client = new Centrifuge(url, {
    websocket: WebSocket,
    minReconnectDelay: 300,
    maxReconnectDelay: 1000,
});
let id = null;
client.on('connected', (ctx) => (id = ctx.client));
const me = { nick, mine: new Set(), client: () => id };
const room = new Room(client, name, me, {
    message: ({ nick: by, text, own, again }) =>
        again || tell('message', by, text, own),
    sent: () => tell('sent'),
    failed: (_, text, why) => tell('failed', text, why),
    people: (people) => tell('people', people.map((one) => one.nick).sort(),
        people.filter((one) => one.typing).map((one) => one.nick)),
    note: (text) => tell('note', text),
    move: (_, by, how) => tell('move', by, how),
    entered: () => tell('entered'),
    trouble: (text) => tell('trouble', text),
    gap: (restarted) => tell('gap', restarted),
});
client.on('message', ({ data }) => room.direct(data));
client.connect();
room.open();

createInterface({ input: process.stdin })
    .on('line', (line) => {
        const [method, ...args] = JSON.parse(line);
        room[method](...args);
    })
    .on('close', () => {
        client.disconnect();
        process.exit(0);
    });
