// SPDX-License-Identifier: Apache-2.0
// app.js - joins the page (view.js) to a room (room.js) over one connection
// of the official SDK, which is loaded as it comes from npm.
import { Room, Watch, MAX_TEXT, MAX_NICK } from './room.js';
import { stored } from './store.js';
import { $, Log, paintFace, showBanner, showPeople, showRooms, showState }
    from './view.js';

const ROOMS = ['lobby', 'music', 'kitchen'];
const MAX_MINE = 300;

const log = new Log(async () => {
    const asked = room;
    const more = await asked.older((put) => log.keepPlace(put));
    return room === asked ? more : !room.complete;
});
const watches = new Map(); // rooms that are not open
let centrifuge;
let room = null;
let client = null;
let rooms = [...ROOMS];

// The name belongs to this tab, so that two tabs are two people; the last
// one used is offered to the next tab.
const me = {
    nick: stored.tab.get('nick') ?? '',
    mine: new Set(JSON.parse(stored.tab.get('mine') ?? '[]')),
    client: () => client,
};

const remember = () =>
    stored.tab.set(
        'mine',
        JSON.stringify([...me.mine].slice(-MAX_MINE))
    );

const roomFromAddress = () => {
    try {
        return cleanRoom(decodeURIComponent(location.hash.slice(1)));
    } catch {
        return ''; // a broken escape in the address
    }
};

// Letters of any script, digits and dashes; the rest becomes a dash.
const cleanRoom = (name) =>
    name
        .trim()
        .toLowerCase()
        .replace(/[^\p{L}\p{N}]+/gu, '-')
        .replace(/^-+|-+$/g, '')
        .slice(0, 30);

// ---- rooms

const hooks = {
    message: (message) => {
        log.put(message);
        if (message.own) remember();
    },
    sent: (id) => log.sent(id),
    failed: (id, text, why) => log.failed(id, why, () => room.say(text)),
    people: (people) => {
        showPeople(people);
        log.tellApart(people);
    },
    note: (text, order) => log.note(text, order),
    move: (...move) => log.move(...move),
    entered: (complete) => log.loaded(complete),
    trouble: (text) => showBanner('bad', text),
    gap: (restarted) =>
        log.note(
            restarted
                ? 'The broker was restarted: it starts a new history here'
                : 'You were away too long: something may be missing here',
            room.top
        ),
};

const unread = (name) => watches.get(name)?.unread ?? 0;
const tellRooms = () => showRooms(rooms, room.name, unread, goTo);

// Every room of the list but the open one.
function watch(name, position) {
    watches.set(name, new Watch(centrifuge, name, position, 0, tellRooms));
}

function enter(name) {
    closeSide();
    if (room?.name === name) return;
    const left = room;
    room?.close();
    watches.get(name)?.close();
    watches.delete(name);
    if (!rooms.includes(name)) rooms = [...rooms, name];
    log.clear();
    showPeople([]);
    showBanner('', '');
    room = new Room(centrifuge, name, me, hooks);
    room.open();
    if (left) watch(left.name, left.position());
    for (const other of rooms)
        if (other !== name && !watches.has(other)) watch(other, null);
    tellRooms();
}

const goTo = (name) => {
    location.hash = encodeURIComponent(name);
};

// ---- connection

let endpoint;
let wentAt = 0;
let goodNews;
let hasBeenIn = false;

// A browser does not say why a WebSocket did not open.
function failed() {
    if (hasBeenIn || client) return;
    showState('connecting', 'Trying to connect…');
    showBanner('bad', `No connection to ${endpoint}. No broker is running ` +
        'there, or it does not let this page in: then its log says so, and ' +
        `websocket.allowed_origins needs ${location.origin}. Trying again…`);
}

function connecting(ctx) {
    client = null;
    clearTimeout(goodNews);
    if (!wentAt) wentAt = Date.now();
    const first = ctx.code === 0;
    showState('connecting', first ? 'Connecting…' : 'Reconnecting…');
    if (!first && hasBeenIn)
        showBanner(
            'wait',
            'The connection is gone. Coming back by itself; what you write ' +
                'now is sent then.'
        );
}

function connected(ctx) {
    client = ctx.client;
    showState('connected', 'Connected');
    if (!hasBeenIn) showBanner('', ''); // that there was no connection
    hasBeenIn = true;
    if (!$('banner').hidden && $('banner').dataset.kind === 'wait') {
        const seconds = Math.max(1, Math.round((Date.now() - wentAt) / 1000));
        showBanner('good', `Back again after ${seconds} s.`);
        goodNews = setTimeout(() => showBanner('', ''), 4000);
    }
    wentAt = 0;
}

function disconnected(ctx) {
    client = null;
    showState('gone', 'Disconnected');
    const hint = ctx.code === 3500 || ctx.code === 3507
        ? ' This page has no token: auth.anonymous lets it in.' : '';
    showBanner('bad', `The broker sent us away: ${ctx.reason}.${hint}`, {
        label: 'Connect again',
        run: () => {
            showBanner('', '');
            centrifuge.connect();
        },
    });
}

async function connect() {
    const answer = await fetch('/endpoint.json');
    ({ endpoint } = await answer.json());
    centrifuge = new window.Centrifuge(endpoint, {
        name: 'parley-demo',
        minReconnectDelay: 300,
        maxReconnectDelay: 5000,
    });
    centrifuge.on('connecting', connecting);
    centrifuge.on('connected', connected);
    centrifuge.on('disconnected', disconnected);
    centrifuge.on('message', ({ data }) => room?.direct(data));
    centrifuge.on('error', ({ type }) => type === 'transport' && failed());
    centrifuge.connect();
    enter(roomFromAddress() || ROOMS[0]);
    addEventListener('hashchange', () => enter(roomFromAddress() || ROOMS[0]));
}

// ---- names

function takeName(nick) {
    if (room && me.nick !== nick) room.rename(nick);
    me.nick = nick;
    stored.tab.set('nick', nick);
    stored.all.set('nick', nick);
    $('me-nick').textContent = nick;
    paintFace($('me-face'), nick);
}

function askName() {
    $('nick').value = me.nick || stored.all.get('nick') || '';
    $('who').showModal();
    $('nick').select();
}

$('who-form').addEventListener('submit', (event) => {
    event.preventDefault();
    const nick = $('nick').value.trim().slice(0, MAX_NICK);
    if (!nick) return;
    $('who').close();
    takeName(nick);
    if (!centrifuge) start();
});
// Without a name there is nothing to go back to.
$('who').addEventListener('cancel', (event) => {
    if (!me.nick) event.preventDefault();
});
$('rename').addEventListener('click', () => {
    closeSide();
    askName();
});

// ---- writing

const text = $('text');

function fit() {
    text.style.height = 'auto';
    text.style.height = `${Math.min(text.scrollHeight, 140)}px`;
    const left = MAX_TEXT - text.value.length;
    $('left').textContent = left <= 100 ? `${left} left` : '';
    $('send').disabled = !text.value.trim();
}

text.addEventListener('input', () => {
    fit();
    if (text.value.trim()) room?.typed();
});
text.addEventListener('keydown', (event) => {
    if (event.key !== 'Enter' || event.shiftKey || event.isComposing) return;
    event.preventDefault();
    $('composer').requestSubmit();
});
$('composer').addEventListener('submit', (event) => {
    event.preventDefault();
    if (!room || !text.value.trim()) return;
    room.say(text.value);
    text.value = '';
    fit();
    text.focus();
});

$('new-room').addEventListener('submit', (event) => {
    event.preventDefault();
    const name = cleanRoom($('new-room-name').value);
    $('new-room-name').value = '';
    if (name) goTo(name);
});

// ---- the side of the page, a drawer on phones

const wide = matchMedia('(min-width: 760px)');

function setSide(open) {
    document.body.classList.toggle('side-open', open);
    $('side-open').setAttribute('aria-expanded', String(open));
    $('side').inert = !open && !wide.matches;
}

function closeSide() {
    if (!document.body.classList.contains('side-open')) return;
    setSide(false);
    $('side-open').focus();
}

$('side-open').addEventListener('click', () => {
    setSide(true);
    $('side-close').focus();
});
$('side-close').addEventListener('click', closeSide);
$('shade').addEventListener('click', closeSide);
addEventListener('keydown', (event) => {
    if (event.key === 'Escape') closeSide();
});
wide.addEventListener('change', () => setSide(false));

// ---- start

function start() {
    connect().catch((error) => {
        showState('gone', 'Not connected');
        showBanner('bad', `The page could not start: ${error.message}. Its ` +
            'own server may have stopped; load it anew.');
    });
    text.focus();
}

// What this browser lacks, or null.
function missing() {
    if (typeof WebSocket !== 'function') return 'WebSocket';
    if (typeof window.Centrifuge !== 'function')
        return 'the SDK: /centrifuge.js did not load';
    if (typeof HTMLDialogElement !== 'function') return 'the dialog element';
    return null;
}

setSide(false);
fit();
if (missing()) {
    showState('gone', 'Not connected');
    showBanner('bad', `This page needs what this browser does not have: ${
        missing()}.`);
} else if (me.nick) {
    takeName(me.nick);
    start();
} else {
    askName();
}
