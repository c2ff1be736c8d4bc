// SPDX-License-Identifier: Apache-2.0
// store.js - what the browser remembers.  A browser may forbid it: then the
// page remembers for as long as it is open.

class Store {
    constructor(name) {
        this.own = new Map();
        try {
            this.storage = window[name];
        } catch {
            this.storage = null; // SecurityError: cookies are blocked
        }
    }

    get(key) {
        return this.storage?.getItem(key) ?? this.own.get(key) ?? null;
    }

    set(key, value) {
        this.own.set(key, value);
        try {
            this.storage?.setItem(key, value);
        } catch {
            // full
        }
    }
}

export const stored = {
    tab: new Store('sessionStorage'),
    all: new Store('localStorage'),
};
