// SPDX-License-Identifier: Apache-2.0
// room.js - one room of the chat: what is sent, received and remembered.
//
// A room is two channels.  `room:<name>` carries the messages, with history,
// recovery, presence, joins and leaves.  `signs:<name>` carries what nobody
// wants to read later: custom messages of the types `hello` and `typing`, sent
// with the RPC method actor.send to the address channel/signs:<name>, so that
// the history of the room holds messages only.
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

// Errors below 100 are the SDK's own (timed out, connection lost): those and
// what the broker calls temporary are tried again, the rest is final.
const passing = (error) =>
    !error || error.code < 100 || error.temporary === true;

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
        this.entered = false;
        this.closed = false;
        this.settled = false; // the outbox was compared with what arrived
        this.typedAt = 0;
    }

    open() {
        const { centrifuge, name } = this;
        this.signs = centrifuge.newSubscription(`signs:${name}`);
        this.main = centrifuge.newSubscription(`room:${name}`, {
            joinLeave: true,
        });
        this.signs.on('subscribed', (ctx) => this.signsReady(ctx));
        this.signs.on('publication', (ctx) => this.sign(ctx));
        this.main.on('subscribing', () => (this.settled = false));
        this.main.on('subscribed', (ctx) => this.ready(ctx));
        this.main.on('publication', (ctx) => this.publication(ctx));
        this.main.on('join', (ctx) => this.join(ctx.info.client));
        this.main.on('leave', (ctx) => this.leave(ctx.info.client));
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
        if (!this.closed)
            this.hooks.trouble(`The room is closed: ${ctx.reason}`);
    }

    // ---- messages

    async ready(ctx) {
        const epoch = ctx.streamPosition?.epoch ?? '';
        if (this.epoch !== null && !ctx.recovered) {
            const restarted = epoch !== this.epoch;
            this.hooks.gap(restarted);
            if (restarted) this.era += 1;
        }
        this.epoch = epoch;
        this.askWhoIsHere();
        // What was recovered is delivered right behind this event, so both
        // ways end with the outbox compared with all that did arrive.
        if (!ctx.recovered) await this.loadHistory();
        else await new Promise((resolve) => setTimeout(resolve));
        if (this.closed) return;
        this.hooks.entered();
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
            for (const pub of past.publications.reverse())
                this.publication(pub);
        } catch (error) {
            if (!this.closed && !passing(error))
                this.hooks.trouble(`No history: ${error.message}`);
        }
    }

    publication(pub) {
        const { data, info } = pub;
        const text = clip(data?.text, MAX_TEXT);
        if (!text || this.closed) return;
        const order = this.era * ERA + (pub.offset ?? this.top + 1);
        const id = clip(data.id, 64) || `at ${order}`;
        const nick = clip(data.nick, MAX_NICK) || 'somebody';
        this.top = Math.max(this.top, order);
        this.outbox.delete(id);
        if (info) {
            this.nicks.set(info.client, nick);
            this.stopTyping(info.client);
        }
        const at = Number.isFinite(data.at) ? data.at : null;
        const own = this.me.mine.has(id);
        const again = this.seen.has(id);
        this.seen.add(id);
        this.hooks.message({ id, order, nick, text, at, own, again });
        this.tellPeople();
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
                this.hooks.failed(id, letter.data.text, error.message);
            }
        }
    }

    // ---- who is here

    async askWhoIsHere() {
        try {
            const { clients } = await this.main.presence();
            if (this.closed) return;
            this.here = new Set(Object.keys(clients));
            this.tellPeople();
        } catch (error) {
            if (!this.closed && !passing(error))
                this.hooks.trouble(`Who is here? ${error.message}`);
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
        if (nick) this.hooks.note(`${nick} left`, this.top);
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
        people.sort((a, b) => b.self - a.self || a.nick.localeCompare(b.nick));
        this.hooks.people(people);
    }

    // ---- signs: custom messages that are worth nothing later

    signsReady(ctx) {
        // What was missed is replayed right behind this event; it may tell
        // names, but nobody is typing any more and nobody waits for a reply.
        this.replaying = true;
        setTimeout(() => (this.replaying = false));
        this.hello({ ask: true, back: this.entered });
        this.entered = true;
    }

    send(type, body) {
        return this.centrifuge
            .rpc('actor.send', {
                to: `channel/signs:${this.name}`,
                type,
                body,
            })
            .catch(() => {}); // a lost sign is a lost sign
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
        if (data.type === 'hello') this.greeted(nick, data.body);
        else if (data.type === 'typing' && !this.replaying)
            this.startTyping(client);
        this.tellPeople();
    }

    greeted(nick, { ask, back, was }) {
        if (this.replaying) return;
        const old = clip(was, MAX_NICK);
        if (old) this.hooks.note(`${old} is now ${nick}`, this.top);
        if (!ask) return;
        this.hooks.note(`${nick} ${back ? 'is back' : 'came in'}`, this.top);
        // Not all at once, when a full room is greeted.
        setTimeout(() => this.closed || this.hello(), Math.random() * 300);
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
