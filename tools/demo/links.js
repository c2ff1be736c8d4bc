// SPDX-License-Identifier: Apache-2.0
// links.js - what in a text is a link.  Only http and https become one, and
// only as the address of an element that has text in it and nothing else: no
// markup of a message ever counts.

const LINK = /https?:\/\/[^\s<>"'`]+/giu;
// What ends a sentence does not belong to the address in it.
const TAIL = /[.,;:!?…]+$/u;

function trim(found) {
    let text = found.replace(TAIL, '');
    // A bracket belongs to it only if it was opened in it.
    while (text.endsWith(')') &&
        text.split(')').length > text.split('(').length)
        text = text.slice(0, -1).replace(TAIL, '');
    return text;
}

function addressOf(text) {
    try {
        const url = new URL(text);
        return url.protocol === 'http:' || url.protocol === 'https:'
            ? url.href : null;
    } catch {
        return null;
    }
}

function makeLink(text, address) {
    const link = document.createElement('a');
    link.textContent = text;
    link.href = address;
    link.target = '_blank';
    link.rel = 'noopener noreferrer nofollow';
    link.title = address; // where it leads, whatever it looks like
    return link;
}

// Text and links, to be appended.
export function linked(text) {
    const parts = [];
    let done = 0;
    for (const { 0: found, index } of text.matchAll(LINK)) {
        const shown = trim(found);
        const address = addressOf(shown);
        if (!address) continue;
        parts.push(text.slice(done, index), makeLink(shown, address));
        done = index + shown.length;
    }
    parts.push(text.slice(done));
    return parts.filter((part) => part !== '');
}
