// SPDX-License-Identifier: Apache-2.0
// view.js - what the page shows.  Whatever other people wrote becomes text
// nodes and nothing else: no innerHTML in here, ever.

export const $ = (id) => document.getElementById(id);

const CLOSE_MS = 4 * 60 * 1000; // one heading for messages this close
const NEAR_END_PX = 80;

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

function clock(at) {
    const time = make('time', 'time');
    if (at === null || Math.abs(at) > 8.64e15) return time;
    const date = new Date(at);
    time.dateTime = date.toISOString();
    time.textContent = date.toLocaleTimeString([], {
        hour: '2-digit',
        minute: '2-digit',
    });
    time.title = date.toLocaleString();
    return time;
}

// The messages of the room that is open, in the order of the channel; what
// is not yet sent stands below them.
export class Log {
    constructor() {
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
        });
        this.pinned = true;
    }

    clear() {
        this.list.replaceChildren();
        this.items.clear();
        $('newest').hidden = true;
        $('empty').hidden = true;
        this.list.setAttribute('aria-busy', 'true');
        this.pinned = true;
    }

    loaded() {
        this.list.removeAttribute('aria-busy');
        $('empty').hidden = this.items.size > 0;
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
        this.place(item, message.own);
    }

    place(item, own) {
        const wasPinned = this.pinned;
        let before = this.list.lastElementChild;
        while (before && (before === item || before.order > item.order))
            before = before.previousElementSibling;
        const next = before ? before.nextElementSibling
                            : this.list.firstElementChild;
        if (next !== item) this.list.insertBefore(item, next);
        this.regroup(item);
        if (item.nextElementSibling) this.regroup(item.nextElementSibling);
        if (wasPinned || own) this.toEnd();
        else $('newest').hidden = false;
    }

    build({ nick, text, at, own }) {
        const item = make('li', own ? 'message own' : 'message');
        const body = make('div', 'body');
        const head = make('p', 'head');
        head.append(make('b', 'nick', nick), clock(at));
        const line = make('p', 'text', text);
        line.dir = 'auto';
        body.append(head, line, make('p', 'status'));
        item.append(makeFace(nick), body);
        item.by = own ? 'own' : nick;
        item.at = at;
        if (own) this.mark(item, 'pending', 'sending…');
        return item;
    }

    regroup(item) {
        const above = item.previousElementSibling;
        const joined = above && item.by && above.by === item.by &&
            Math.abs(item.at - above.at) < CLOSE_MS;
        item.classList.toggle('joined', Boolean(joined));
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
            item.remove();
            again();
        });
        item.querySelector('.status').append(button);
    }

    note(text, order) {
        const item = make('li', 'note', text);
        item.order = order;
        this.place(item, false);
    }
}

export function showPeople(people) {
    $('people-count').textContent = people.length || '';
    $('people').replaceChildren(
        ...people.map(({ nick, self, typing }) => {
            const item = make('li', typing ? 'typing-now' : '');
            item.append(makeFace(nick), make('span', 'name', nick));
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

export function showRooms(names, current, enter) {
    $('rooms').replaceChildren(
        ...names.map((name) => {
            const item = make('li');
            const button = make('button', 'room', name);
            button.type = 'button';
            if (name === current) button.setAttribute('aria-current', 'page');
            button.addEventListener('click', () => enter(name));
            item.append(button);
            return item;
        })
    );
    $('room-title').textContent = current;
    $('text').placeholder = `Write to ${current}…`;
    document.title = `${current} · parley`;
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
