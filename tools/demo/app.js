// SPDX-License-Identifier: Apache-2.0
// app.js - joins the page (view.js) to a room (room.js) over one connection
// of the official SDK, which is loaded as it comes from npm.
import { Room, MAX_TEXT, MAX_NICK } from './room.js';
import { $, Log, paintFace, showBanner, showPeople, showRooms, showState }
    from './view.js';

const ROOMS = ['lobby', 'music', 'kitchen'];
const MAX_MINE = 300;

const log = new Log();
let centrifuge;
let room = null;
let client = null;
let rooms = [...ROOMS];

// The name belongs to this tab, so that two tabs are two people; the last
// one used is offered to the next tab.
const me = {
    nick: sessionStorage.getItem('nick') ?? '',
    mine: new Set(JSON.parse(sessionStorage.getItem('mine') ?? '[]')),
    client: () => client,
};

const remember = () =>
    sessionStorage.setItem(
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
    people: showPeople,
    note: (text, order) => log.note(text, order),
    entered: () => log.loaded(),
    trouble: (text) => showBanner('bad', text),
    gap: (restarted) =>
        log.note(
            restarted
                ? 'The broker was restarted: it starts a new history here'
                : 'You were away too long: something may be missing here',
            room.top
        ),
};

function enter(name) {
    closeSide();
    if (room?.name === name) return;
    room?.close();
    if (!rooms.includes(name)) rooms = [...rooms, name];
    showRooms(rooms, name, goTo);
    log.clear();
    showPeople([]);
    showBanner('', '');
    room = new Room(centrifuge, name, me, hooks);
    room.open();
}

const goTo = (name) => {
    location.hash = encodeURIComponent(name);
};

// ---- connection

let wentAt = 0;
let goodNews;

function connecting(ctx) {
    client = null;
    clearTimeout(goodNews);
    if (!wentAt) wentAt = Date.now();
    const first = ctx.code === 0;
    showState('connecting', first ? 'Connecting…' : 'Reconnecting…');
    if (!first)
        showBanner(
            'wait',
            'The connection is gone. Coming back by itself; what you write ' +
                'now is sent then.'
        );
}

function connected(ctx) {
    client = ctx.client;
    showState('connected', 'Connected');
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
    showBanner('bad', `The broker sent us away: ${ctx.reason}.`, {
        label: 'Connect again',
        run: () => {
            showBanner('', '');
            centrifuge.connect();
        },
    });
}

async function connect() {
    const answer = await fetch('/endpoint.json');
    const { endpoint } = await answer.json();
    centrifuge = new window.Centrifuge(endpoint, {
        name: 'parley-demo',
        minReconnectDelay: 300,
        maxReconnectDelay: 5000,
    });
    centrifuge.on('connecting', connecting);
    centrifuge.on('connected', connected);
    centrifuge.on('disconnected', disconnected);
    centrifuge.connect();
    enter(roomFromAddress() || ROOMS[0]);
    addEventListener('hashchange', () => enter(roomFromAddress() || ROOMS[0]));
}

// ---- names

function takeName(nick) {
    if (room && me.nick !== nick) room.rename(nick);
    me.nick = nick;
    sessionStorage.setItem('nick', nick);
    localStorage.setItem('nick', nick);
    $('me-nick').textContent = nick;
    paintFace($('me-face'), nick);
}

function askName() {
    $('nick').value = me.nick || localStorage.getItem('nick') || '';
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
        showBanner('bad', `The page could not start: ${error.message}`);
    });
    text.focus();
}

setSide(false);
fit();
if (me.nick) {
    takeName(me.nick);
    start();
} else {
    askName();
}
