// SPDX-License-Identifier: Apache-2.0
// view.js - what the page shows.  Whatever other people wrote becomes text
// nodes, and links to http and https: no innerHTML in here, ever.
import { lookOf, tagOf } from './room.js';
import { linked } from './links.js';
import { Moves } from './moves.js';

export const $ = (id) => document.getElementById(id);

const CLOSE_MS = 4 * 60 * 1000; // one heading for messages this close
const NEAR_END_PX = 80;
const NEAR_START_PX = 200;

function make(tag, className, text) {
    const element = document.createElement(tag);
    if (className) element.className = className;
    if (text !== undefined) element.textContent = text;
    return element;
}

// The same name has the same colour on every screen.
function hue(nick) {
    let sum = 7;
    for (const char of nick) sum = (sum * 31 + char.codePointAt(0)) >>> 0;
    return (sum * 137) % 360; // names that hash close look apart
}

export function paintFace(face, nick) {
    face.textContent = [...nick][0]?.toUpperCase() ?? '?';
    face.style.setProperty('--hue', hue(nick));
}

function makeFace(nick) {
    const face = make('span', 'face');
    face.setAttribute('aria-hidden', 'true');
    paintFace(face, nick);
    return face;
}

const isTime = (at) => at !== null && Math.abs(at) <= 8.64e15;

function clock(at) {
    const time = make('time', 'time');
    if (!isTime(at)) return time;
    const date = new Date(at);
    time.dateTime = date.toISOString();
    time.textContent = date.toLocaleTimeString([], {
        hour: '2-digit',
        minute: '2-digit',
    });
    time.title = date.toLocaleString();
    return time;
}

// A day of the reader's calendar, and what to call it.
const dayOf = (at) => new Date(at).toDateString();

function dayName(at) {
    const date = new Date(at);
    const back = new Date();
    if (date.toDateString() === back.toDateString()) return 'Today';
    back.setDate(back.getDate() - 1);
    if (date.toDateString() === back.toDateString()) return 'Yesterday';
    return date.toLocaleDateString([], {
        weekday: 'long', year: 'numeric', month: 'long', day: 'numeric',
    });
}

// The messages of the room that is open, in the order of the channel; what
// is not yet sent stands below them.
export class Log {
    // `older` is called when the reader wants to see what was before.
    constructor(older) {
        this.askOlder = older;
        this.ambiguous = new Set();
        this.list = $('log');
        this.scroll = $('scroll');
        this.items = new Map();
        this.scroll.addEventListener('scroll', () => {
            if (this.atEnd()) $('newest').hidden = true;
        });
        $('newest').addEventListener('click', () => this.toEnd());
        new ResizeObserver(() => this.pinned && this.toEnd()).observe(
            this.scroll
        );
        this.scroll.addEventListener('scroll', () => {
            this.pinned = this.atEnd();
            if (this.scroll.scrollTop < NEAR_START_PX) this.older();
        });
        $('older').addEventListener('click', () => this.older());
        this.pinned = true;
    }

    clear() {
        this.list.replaceChildren();
        this.items.clear();
        $('newest').hidden = true;
        $('empty').hidden = true;
        $('older').hidden = true;
        this.ambiguous = new Set();
        this.list.setAttribute('aria-busy', 'true');
        this.pinned = true;
    }

    loaded(complete) {
        this.list.removeAttribute('aria-busy');
        $('empty').hidden = this.items.size > 0;
        $('older').hidden = complete;
    }

    async older() {
        if ($('older').hidden || this.isAsking) return;
        this.isAsking = true;
        const more = await this.askOlder();
        this.isAsking = false;
        $('older').hidden = !more;
    }

    // What is above grows, and what is read stays where it is.
    keepPlace(put) {
        const { scrollHeight, scrollTop } = this.scroll;
        put();
        this.scroll.scrollTop =
            scrollTop + this.scroll.scrollHeight - scrollHeight;
    }

    atEnd() {
        const { scrollHeight, scrollTop, clientHeight } = this.scroll;
        return scrollHeight - scrollTop - clientHeight < NEAR_END_PX;
    }

    toEnd() {
        this.scroll.scrollTop = this.scroll.scrollHeight;
        $('newest').hidden = true;
        this.pinned = true;
    }

    // Adds a message, or moves the one of that id to where it belongs.
    put(message) {
        let item = this.items.get(message.id);
        if (!item) {
            item = this.build(message);
            this.items.set(message.id, item);
        } else if (item.order <= message.order) {
            return; // seen before, and it already has its place
        }
        item.order = message.order;
        if (message.order !== Infinity) this.mark(item, 'sent', '');
        $('empty').hidden = true;
        this.place(item, message.own, message.older);
    }

    place(item, own, older) {
        const wasPinned = this.pinned;
        item.mark?.remove(); // of its day: it may stand elsewhere now
        const wasBefore = item.isConnected && this.messageAfter(item);
        let before = this.list.lastElementChild;
        while (before && (before === item || before.order > item.order))
            before = before.previousElementSibling;
        const next = before ? before.nextElementSibling
                            : this.list.firstElementChild;
        if (next !== item) this.list.insertBefore(item, next);
        if (wasBefore) this.regroup(wasBefore);
        this.regroup(item);
        const after = this.messageAfter(item);
        if (after) this.regroup(after);
        if (older) return;
        if (wasPinned || own) this.toEnd();
        else $('newest').hidden = false;
    }

    messageAfter(item) {
        let after = item.nextElementSibling;
        while (after && !after.by) after = after.nextElementSibling;
        return after;
    }

    messageBefore(item) {
        let before = item.previousElementSibling;
        while (before && !before.by) before = before.previousElementSibling;
        return before;
    }

    build({ nick, text, at, own, client }) {
        const item = make('li', own ? 'message own' : 'message');
        const body = make('div', 'body');
        const head = make('p', 'head');
        const tag = make('small', 'tag', client ? tagOf(client) : '');
        tag.hidden = !this.ambiguous.has(lookOf(nick));
        head.append(make('b', 'nick', nick), tag, clock(at));
        const line = make('p', 'text');
        line.append(...linked(text));
        line.dir = 'auto';
        body.append(head, line, make('p', 'status'));
        item.append(makeFace(nick), body);
        item.by = own ? 'own' : `${nick} ${client}`;
        item.look = lookOf(nick);
        item.at = at;
        if (own) this.mark(item, 'pending', 'sending…');
        return item;
    }

    regroup(item) {
        const above = item.previousElementSibling;
        const joined = above && item.by && above.by === item.by &&
            Math.abs(item.at - above.at) < CLOSE_MS;
        item.classList.toggle('joined', Boolean(joined));
        if (item.by) this.markDay(item);
    }

    // A line with the date stands in front of the first message of a day.
    markDay(item) {
        const above = this.messageBefore(item);
        const isNew = isTime(item.at) &&
            (!above || !isTime(above.at) || dayOf(above.at) !== dayOf(item.at));
        if (isNew && !item.mark?.isConnected) {
            item.mark ??= make('li', 'day', dayName(item.at));
            item.mark.order = item.order - 0.5; // orders are whole numbers
            this.list.insertBefore(item.mark, item);
        } else if (!isNew) {
            item.mark?.remove();
        }
    }

    // Names that several people have: their messages show whose they are.
    tellApart(people) {
        const now = new Set(
            people.filter((one) => one.tag).map((one) => lookOf(one.nick)));
        const same = now.size === this.ambiguous.size &&
            [...now].every((look) => this.ambiguous.has(look));
        if (same) return;
        this.ambiguous = now;
        for (const item of this.items.values())
            item.querySelector('.tag').hidden = !now.has(item.look);
    }

    mark(item, state, text) {
        item.dataset.state = state;
        item.querySelector('.status').textContent = text;
    }

    sent(id) {
        const item = this.items.get(id);
        if (item) this.mark(item, 'sent', '');
    }

    failed(id, why, again) {
        const item = this.items.get(id);
        if (!item) return;
        this.mark(item, 'failed', `not sent: ${why} `);
        const button = make('button', 'again', 'try again');
        button.type = 'button';
        button.addEventListener('click', () => {
            this.items.delete(id);
            const after = this.messageAfter(item);
            item.mark?.remove();
            item.remove();
            if (after) this.regroup(after);
            again();
        });
        item.querySelector('.status').append(button);
    }

    note(text, order) {
        const item = make('li', 'note', text);
        item.order = order;
        this.place(item, false);
        return item;
    }

    // Comings and goings with no message between them share a line.
    move(client, nick, how, order) {
        let item = this.list.lastElementChild;
        while (item?.dataset.state === 'pending' || item?.className === 'day')
            item = item.previousElementSibling;
        if (!item?.moves) {
            item = this.note('', order);
            item.moves = new Moves();
        }
        item.moves.add(client, nick, how);
        item.textContent = item.moves.text();
        if (this.pinned) this.toEnd();
    }
}

export function showPeople(people) {
    $('people-count').textContent = people.length || '';
    $('people').replaceChildren(
        ...people.map(({ nick, self, typing, tag }) => {
            const item = make('li', typing ? 'typing-now' : '');
            item.append(makeFace(nick), make('span', 'name', nick));
            if (tag) item.append(make('small', 'tag', tag));
            if (self) item.append(make('small', '', 'you'));
            if (typing) item.append(make('small', '', 'writing…'));
            return item;
        })
    );
    const typing = people.filter((one) => one.typing && !one.self);
    $('typing').textContent = typingLine(typing.map((one) => one.nick));
}

function typingLine(nicks) {
    if (nicks.length === 0) return '';
    if (nicks.length === 1) return `${nicks[0]} is writing…`;
    if (nicks.length === 2) return `${nicks[0]} and ${nicks[1]} are writing…`;
    return `${nicks[0]} and ${nicks.length - 1} others are writing…`;
}

// `unread` gives the number of a room.
export function showRooms(names, current, unread, enter) {
    $('rooms').replaceChildren(
        ...names.map((name) => {
            const item = make('li');
            const button = make('button', 'room', name);
            button.type = 'button';
            const count = name === current ? 0 : unread(name);
            if (name === current) button.setAttribute('aria-current', 'page');
            if (count) {
                button.dataset.unread = count > 99 ? '99+' : count;
                button.setAttribute('aria-label', `${name}, ${count} unread`);
            }
            button.addEventListener('click', () => enter(name));
            item.append(button);
            return item;
        })
    );
    $('room-title').textContent = current;
    $('text').placeholder = `Write to ${current}…`;
    const all = names.reduce((sum, name) =>
        sum + (name === current ? 0 : unread(name)), 0);
    document.title = `${all ? `(${all}) ` : ''}${current} · parley`;
    $('side-open').classList.toggle('unread', all > 0);
}

export function showState(state, text) {
    $('state').dataset.state = state;
    $('state-text').textContent = text;
}

export function showBanner(kind, text, action) {
    $('banner').hidden = !text;
    $('banner').dataset.kind = kind;
    $('banner-text').textContent = text;
    $('banner-button').hidden = !action;
    $('banner-button').textContent = action?.label ?? '';
    $('banner-button').onclick = action?.run ?? null;
}
