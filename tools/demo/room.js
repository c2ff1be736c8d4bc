// SPDX-License-Identifier: Apache-2.0
// room.js - one room of the chat: what is sent, received and remembered.
//
// A room is two channels.  `room.<name>` carries the messages, with history and
// recovery.  `signs.<name>` carries what has no value later: custom messages of
// the types `hello` and `typing`, sent with the RPC method actor.send to the
// address channel/signs.<name>, so that the history of the room holds messages
// only.  Presence, joins and leaves are those of the signs as well: a Watch
// subscribes to the messages of a room that is not open, to count what is
// unread, and is not there.
//
// A message keeps its id from the moment it is typed.  It stays in the outbox
// until its publication comes back, is sent again after every reconnect, and
// is shown once however often it arrives: what was typed while the broker was
// away is neither lost nor doubled.
//
// Nicknames are claims, not identities, so they travel in the data.  Whoever
// enters says `hello` and asks, and the others answer with theirs; who said it
// is what the broker put beside it, never what the data claims.
//
// Nothing in here touches the page; `hooks` does (see app.js).

export const MAX_TEXT = 1000;
export const MAX_NICK = 24;

const HISTORY = 60;
const TYPING_EVERY_MS = 2500;
const TYPING_SHOWN_MS = 4500;
const RETRY_MS = 2000;
const ERA = 1e12; // publications of a later epoch sort after all before

const clip = (value, max) =>
    typeof value === 'string' ? value.trim().slice(0, max) : '';

// For comparing: what looks the same is the same.
export const lookOf = (nick) =>
    nick.normalize('NFKC').replace(/[\p{Cc}\p{Cf}\s]/gu, '').toLowerCase();

// Errors below 100 are the SDK's own (timed out, connection lost): those and
// what the broker calls temporary are tried again, the rest is final.
const passing = (error) =>
    !error || error.code < 100 || error.temporary === true;

export const tagOf = (client) => client.slice(-4);

// What the broker does not let this page do, and what would change that.
const RIGHTS = {
    read: ['read this room', 'channels.allow_subscribe'],
    write: ['write here', 'channels.allow_publish'],
    history: ['see what was said before', 'channels.allow_history'],
    presence: ['see who is here', 'channels.allow_presence'],
    signs: ['send your name and whether you are writing',
        'channels.allow_publish'],
};

function explain(right, error) {
    const [what, key] = RIGHTS[right];
    if (error.code === 103)
        return `You may not ${what}: the broker does not permit it (${key}).`;
    if (error.code === 108)
        return `You cannot ${what}: the broker has this switched off.`;
    return `You cannot ${what}: ${error.message ?? error.reason}.`;
}

// Counts what is said in a room that is not open.
export class Watch {
    constructor(centrifuge, name, position, unread, tell) {
        this.centrifuge = centrifuge;
        this.name = name;
        this.unread = unread;
        this.sub = centrifuge.newSubscription(`room.${name}`,
            position ? { since: position } : {});
        this.sub.on('subscribed', ({ streamPosition, wasRecovering,
            recovered }) => {
            this.position = streamPosition;
            // More than the history holds: at least one.
            if (wasRecovering && !recovered) this.add(1, tell);
        });
        this.sub.on('publication', ({ data }) => {
            if (clip(data?.text, MAX_TEXT)) this.add(1, tell);
        });
        this.sub.subscribe();
    }

    add(count, tell) {
        this.unread += count;
        tell();
    }

    close() {
        this.sub.unsubscribe();
        this.centrifuge.removeSubscription(this.sub);
    }
}

export class Room {
    constructor(centrifuge, name, me, hooks) {
        this.centrifuge = centrifuge;
        this.name = name;
        this.me = me; // { nick, client(), mine: Set of message ids }
        this.hooks = hooks;
        this.seen = new Set();
        this.here = new Set();
        this.nicks = new Map();
        this.typing = new Map();
        this.outbox = new Map();
        this.era = 0;
        this.epoch = null;
        this.top = 0;
        this.oldest = null; // offset of the first message that was loaded
        this.offset = 0; // of the last publication, in this epoch
        this.complete = false; // nothing older is kept
        this.loading = false;
        this.told = new Set(); // rights that were explained
        this.entered = false;
        this.closed = false;
        this.settled = false; // the outbox was compared with what arrived
        this.typedAt = 0;
    }

    open() {
        const { centrifuge, name } = this;
        this.signs = centrifuge.newSubscription(`signs.${name}`, {
            joinLeave: true,
        });
        this.main = centrifuge.newSubscription(`room.${name}`);
        this.signs.on('subscribed', (ctx) => this.signsReady(ctx));
        this.signs.on('publication', (ctx) => this.sign(ctx));
        this.main.on('subscribing', () => (this.settled = false));
        this.main.on('subscribed', (ctx) => this.ready(ctx));
        this.main.on('publication', (ctx) => this.publication(ctx));
        this.signs.on('join', (ctx) => this.join(ctx.info.client));
        this.signs.on('leave', (ctx) => this.leave(ctx.info.client));
        for (const sub of [this.signs, this.main])
            sub.on('unsubscribed', (ctx) => this.refused(ctx));
        // The signs first: whoever sees us join finds us listening.
        this.signs.subscribe();
        this.main.subscribe();
    }

    close() {
        this.closed = true;
        clearTimeout(this.retry);
        for (const timer of this.typing.values()) clearTimeout(timer);
        for (const sub of [this.main, this.signs]) {
            sub.unsubscribe();
            this.centrifuge.removeSubscription(sub);
        }
    }

    refused(ctx) {
        this.trouble('read', ctx);
        if (!this.closed) this.hooks.entered(true);
    }

    // Each is told once: a room without presence is no news after a restart.
    trouble(right, error) {
        if (this.closed || this.told.has(right)) return;
        this.told.add(right);
        this.hooks.trouble(explain(right, error));
    }

    // Where a Watch goes on.
    position() {
        return this.epoch ? { offset: this.offset, epoch: this.epoch } : null;
    }

    // ---- messages

    async ready(ctx) {
        const epoch = ctx.streamPosition?.epoch ?? '';
        if (this.epoch !== null && !ctx.recovered) {
            const restarted = epoch !== this.epoch;
            this.hooks.gap(restarted);
            if (restarted) {
                this.era += 1;
                this.offset = 0;
            }
        }
        this.epoch = epoch;
        this.offset = Math.max(this.offset, ctx.streamPosition?.offset ?? 0);
        // What was recovered is delivered right behind this event, so both
        // ways end with the outbox compared with all that did arrive.
        if (!ctx.recovered) await this.loadHistory();
        else await new Promise((resolve) => setTimeout(resolve));
        if (this.closed) return;
        this.hooks.entered(this.complete);
        this.settled = true;
        this.flush();
    }

    async loadHistory() {
        try {
            const past = await this.main.history({
                limit: HISTORY,
                reverse: true,
            });
            if (this.closed || past.epoch !== this.epoch) return;
            this.took(past.publications, false);
        } catch (error) {
            if (!passing(error)) {
                this.complete = true;
                this.trouble('history', error);
            }
        }
    }

    // The page before the oldest message, put in within `put`; true while there
    // may be more.
    async older(put) {
        if (this.complete || this.closed) return false;
        if (this.loading || this.oldest === null) return true;
        this.loading = true;
        try {
            const { epoch, oldest } = this;
            const past = await this.main.history({
                limit: HISTORY,
                reverse: true,
                since: { offset: oldest, epoch },
            });
            if (this.closed || this.epoch !== epoch) return true;
            put(() => this.took(past.publications, true));
        } catch (error) {
            if (!passing(error)) {
                this.complete = true;
                // 112: what was before has been dropped meanwhile.
                if (error.code !== 112) this.trouble('history', error);
            }
        } finally {
            this.loading = false;
        }
        return !this.complete;
    }

    // Newest first, as they were asked for.
    took(publications, older) {
        const last = publications.at(-1);
        this.complete = !last || last.offset <= 1;
        this.oldest = last?.offset ?? null;
        for (const pub of publications.reverse()) this.publication(pub, older);
    }

    publication(pub, older = false) {
        const { data, info } = pub;
        if (pub.offset > this.offset) this.offset = pub.offset;
        const text = clip(data?.text, MAX_TEXT);
        if (!text || this.closed) return;
        const order = this.era * ERA + (pub.offset ?? this.top + 1);
        const id = clip(data.id, 64) || `at ${order}`;
        const nick = clip(data.nick, MAX_NICK) || 'somebody';
        this.top = Math.max(this.top, order);
        this.outbox.delete(id);
        if (info && !older) {
            this.nicks.set(info.client, nick);
            this.stopTyping(info.client);
        }
        const at = Number.isFinite(data.at) ? data.at : null;
        const own = this.me.mine.has(id);
        const again = this.seen.has(id);
        this.seen.add(id);
        const client = info?.client ?? '';
        this.hooks.message(
            { id, order, nick, text, at, own, again, client, older });
        if (!older) this.tellPeople();
    }

    say(text) {
        const id = crypto.randomUUID?.() ?? `${Math.random()}${Date.now()}`;
        const { nick } = this.me;
        const data = { id, nick, text: clip(text, MAX_TEXT), at: Date.now() };
        this.me.mine.add(id);
        this.outbox.set(id, { data, busy: false });
        this.typedAt = 0;
        this.hooks.message({ ...data, own: true, order: Infinity });
        this.flush();
    }

    // One at a time and in the order typed, as one writes.
    async flush() {
        clearTimeout(this.retry);
        for (const [id, letter] of this.outbox) {
            if (this.closed || !this.settled || letter.busy) return;
            letter.busy = true;
            try {
                await this.main.publish(letter.data);
                this.outbox.delete(id);
                this.hooks.sent(id);
            } catch (error) {
                letter.busy = false;
                if (this.closed || !this.outbox.has(id)) continue;
                if (passing(error)) {
                    this.retry = setTimeout(() => this.flush(), RETRY_MS);
                    return;
                }
                this.outbox.delete(id);
                this.hooks.failed(id, letter.data.text, error.code === 103
                    ? 'you may not write here' : error.message);
                this.trouble('write', error);
            }
        }
    }

    // ---- who is here

    async askWhoIsHere() {
        try {
            const { clients } = await this.signs.presence();
            if (this.closed) return;
            this.here = new Set(Object.keys(clients));
            this.tellPeople();
        } catch (error) {
            if (!passing(error)) this.trouble('presence', error);
        }
    }

    join(client) {
        this.here.add(client);
        this.tellPeople();
    }

    leave(client) {
        const nick = this.nicks.get(client);
        this.here.delete(client);
        this.stopTyping(client);
        if (nick) this.hooks.move(client, nick, 'left', this.top);
        this.nicks.delete(client);
        this.tellPeople();
    }

    tellPeople() {
        const self = this.me.client();
        const people = [...this.here].map((client) => ({
            client,
            self: client === self,
            nick:
                client === self
                    ? this.me.nick
                    : (this.nicks.get(client) ?? `guest ${client.slice(-4)}`),
            typing: this.typing.has(client),
        }));
        const looks = new Map();
        for (const { nick } of people)
            looks.set(lookOf(nick), (looks.get(lookOf(nick)) ?? 0) + 1);
        // Two of one name are told apart by the end of their client id.
        for (const one of people)
            one.tag = looks.get(lookOf(one.nick)) > 1 ? tagOf(one.client) : '';
        people.sort((a, b) => b.self - a.self || a.nick.localeCompare(b.nick));
        this.hooks.people(people);
    }

    // ---- signs: custom messages that are worth nothing later

    signsReady(ctx) {
        // What was missed is replayed right behind this event; it may tell
        // names, but nobody is typing any more and nobody waits for a reply.
        this.replaying = true;
        setTimeout(() => (this.replaying = false));
        this.askWhoIsHere();
        this.hello({ ask: true, back: this.entered });
        this.entered = true;
    }

    send(type, body) {
        return this.centrifuge
            .rpc('actor.send', {
                to: `channel/signs.${this.name}`,
                type,
                body,
            })
            .catch((error) => {
                // A lost sign is a lost sign; one that is refused is told.
                if (!passing(error)) this.trouble('signs', error);
            });
    }

    hello(more) {
        return this.send('hello', { nick: this.me.nick, ...more });
    }

    typed() {
        const now = Date.now();
        if (now - this.typedAt < TYPING_EVERY_MS) return;
        this.typedAt = now;
        this.send('typing', { nick: this.me.nick });
    }

    sign(ctx) {
        const { data, info } = ctx;
        // A publication that a client made carries its publisher: then that,
        // and not the data, says who it is from.
        const client = info ? info.client : data?.from?.client;
        if (typeof client !== 'string' || client === this.me.client()) return;
        const nick = clip(data?.body?.nick, MAX_NICK);
        if (!nick) return;
        this.nicks.set(client, nick);
        if (data.type === 'hello') this.greeted(client, nick, data.body);
        else if (data.type === 'typing' && !this.replaying)
            this.startTyping(client);
        this.tellPeople();
    }

    greeted(client, nick, { ask, back, was }) {
        if (this.replaying) return;
        const old = clip(was, MAX_NICK);
        if (old) this.hooks.note(`${old} is now ${nick}`, this.top);
        if (!ask) return;
        this.hooks.move(client, nick, back ? 'is back' : 'came in', this.top);
        // Not all at once, when a full room is greeted.
        setTimeout(() => this.closed || this.hello(), Math.random() * 300);
    }

    // A message to this connection alone, as `parley chat` sends it.
    direct(data) {
        const nick = clip(data?.body?.nick, MAX_NICK);
        const text = clip(data?.body?.text, MAX_TEXT);
        if (data?.type === 'direct' && nick && text)
            this.hooks.note(`${nick}, to you only: ${text}`, this.top);
    }

    rename(nick) {
        const was = this.me.nick;
        this.me.nick = nick;
        this.hello({ was });
        this.tellPeople();
    }

    startTyping(client) {
        clearTimeout(this.typing.get(client));
        const timer = setTimeout(() => {
            this.typing.delete(client);
            this.tellPeople();
        }, TYPING_SHOWN_MS);
        this.typing.set(client, timer);
    }

    stopTyping(client) {
        clearTimeout(this.typing.get(client));
        this.typing.delete(client);
    }
}
