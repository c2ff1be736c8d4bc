// SPDX-License-Identifier: Apache-2.0
// moves.js - one line about who came and who left, however often.

const isIn = (how) => how !== 'left';

// From the first and the last that somebody did.
function phrase({ first, last }) {
    if (isIn(first) && !isIn(last)) return 'came in and left';
    if (!isIn(first) && isIn(last)) return 'left and came back';
    // Who came in and lost its connection since then is new to the reader.
    return first;
}

function join(nicks) {
    const more = nicks.length - 3;
    const shown = more > 1 ? [...nicks.slice(0, 3), `${more} others`] : nicks;
    if (shown.length === 1) return shown[0];
    return `${shown.slice(0, -1).join(', ')} and ${shown.at(-1)}`;
}

export class Moves {
    constructor() {
        this.people = new Map();
    }

    // Who comes back by another connection has the same name: that is one.
    add(client, nick, how) {
        const known = this.people.get(client) ??
            (isIn(how) ? this.leftAs(nick) : null);
        if (known) Object.assign(known, { nick, last: how });
        else this.people.set(client, { nick, first: how, last: how });
    }

    leftAs(nick) {
        return [...this.people.values()].find(
            (one) => one.nick === nick && !isIn(one.last));
    }

    text() {
        const groups = new Map();
        for (const one of this.people.values()) {
            const what = phrase(one);
            groups.set(what, [...(groups.get(what) ?? []), one.nick]);
        }
        return [...groups].map(([what, nicks]) =>
            `${join(nicks)} ${nicks.length > 1 && what === 'is back'
                ? 'are back' : what}`).join('; ');
    }
}
