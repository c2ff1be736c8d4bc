/* SPDX-License-Identifier: Apache-2.0 */
/* tls_pool.c - see tls_pool.h.
 *
 * Settings are the same if the names of their files are, and the files: device,
 * inode, size and times.  So a connection that is made after a certificate was
 * renewed uses the new one.  The authorities of the system have no name here;
 * those that were read first count while a connection uses them.
 *
 * Two threads that ask at the same time may load the same twice, because no
 * file is read inside the guard.
 *
 * Rejected: settings of the process, for all groups.  Nothing of one group
 * outlives it, and no group waits for another.
 *
 * Invariant: an entry of the list has a user. */
#include "tls_pool.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "guard.h"
#include "list.h"

enum { FILES = 3 };

/* What a file was when it was read; all zero: there is none. */
struct version {
    dev_t device;
    ino_t inode;
    off_t size;
    struct timespec changed, modified;
};

struct entry {
    struct pl_list link;
    struct plc_tls_settings *settings; /* owned */
    unsigned users;
    bool accepts_any;
    char *names[FILES]; /* owned; NULL: none */
    struct version versions[FILES];
};

struct plc_tls_pool {
    struct pl_guard *guard;
    struct pl_list all; /* guarded */
};

enum pl_err plc_tls_pool_create(struct plc_tls_pool **out)
{
    struct plc_tls_pool *p = calloc(1, sizeof *p);

    if (p == NULL)
        return PL_ENOMEM;
    pl_list_init(&p->all);
    enum pl_err rc = pl_guard_create(&p->guard);
    if (rc != PL_OK) {
        free(p);
        return rc;
    }
    *out = p;
    return PL_OK;
}

void plc_tls_pool_destroy(struct plc_tls_pool *p)
{
    if (p == NULL)
        return;
    pl_guard_destroy(p->guard);
    free(p);
}

/* --- Entries --- */

static void destroy(struct entry *e)
{
    if (e == NULL)
        return;
    plc_tls_destroy(e->settings);
    for (int i = 0; i < FILES; i++)
        free(e->names[i]);
    free(e);
}

static void read_version(const char *name, struct version *v)
{
    struct stat s;

    if (name == NULL || stat(name, &s) != 0)
        return;
    v->device = s.st_dev;
    v->inode = s.st_ino;
    v->size = s.st_size;
    v->changed = s.st_ctim;
    v->modified = s.st_mtim;
}

/* An entry without settings; NULL: out of memory. */
static struct entry *create(const struct plc_tls_files *f)
{
    const char *names[FILES] = {f->ca_file, f->cert_file, f->key_file};
    struct entry *e = calloc(1, sizeof *e);

    if (e == NULL)
        return NULL;
    e->users = 1;
    e->accepts_any = f->accepts_any;
    for (int i = 0; i < FILES; i++) {
        if (names[i] != NULL && (e->names[i] = strdup(names[i])) == NULL) {
            destroy(e);
            return NULL;
        }
        read_version(names[i], &e->versions[i]);
    }
    return e;
}

static bool is_time(struct timespec a, struct timespec b)
{
    return a.tv_sec == b.tv_sec && a.tv_nsec == b.tv_nsec;
}

static bool is_file(const struct entry *a, const struct entry *b, int i)
{
    const struct version *v = &a->versions[i], *w = &b->versions[i];

    if (a->names[i] == NULL || b->names[i] == NULL)
        return a->names[i] == b->names[i];
    return strcmp(a->names[i], b->names[i]) == 0 && v->device == w->device &&
           v->inode == w->inode && v->size == w->size &&
           is_time(v->changed, w->changed) && is_time(v->modified, w->modified);
}

static bool is_same(const struct entry *a, const struct entry *b)
{
    if (a->accepts_any != b->accepts_any)
        return false;
    for (int i = 0; i < FILES; i++)
        if (!is_file(a, b, i))
            return false;
    return true;
}

/* --- Sharing --- */

static struct plc_tls_settings *share(struct plc_tls_pool *p,
                                      const struct entry *like)
{
    struct plc_tls_settings *found = NULL;
    struct pl_list *at;

    pl_guard_enter(p->guard);
    for (at = p->all.next; at != &p->all && found == NULL; at = at->next) {
        struct entry *e = PL_CONTAINER(at, struct entry, link);

        if (!is_same(e, like))
            continue;
        e->users++;
        found = e->settings;
    }
    pl_guard_leave(p->guard);
    return found;
}

/* The versions are those from before the files were read. */
enum pl_err plc_tls_pool_take(struct plc_tls_pool *p,
                              struct plc_tls_settings **out,
                              const struct plc_tls_files *files, char *why,
                              size_t why_size)
{
    struct entry *e = create(files);

    if (e == NULL)
        return PL_ENOMEM;
    struct plc_tls_settings *found = share(p, e);
    if (found != NULL) {
        destroy(e);
        *out = found;
        return PL_OK;
    }
    enum pl_err rc = plc_tls_load(&e->settings, files, why, why_size);
    if (rc != PL_OK) {
        destroy(e);
        return rc;
    }
    pl_guard_enter(p->guard);
    pl_list_append(&p->all, &e->link);
    pl_guard_leave(p->guard);
    *out = e->settings;
    return PL_OK;
}

/* The entry of `t` if this was its last user, out of the list. */
static struct entry *leave(struct plc_tls_pool *p, struct plc_tls_settings *t)
{
    for (struct pl_list *at = p->all.next; at != &p->all; at = at->next) {
        struct entry *e = PL_CONTAINER(at, struct entry, link);

        if (e->settings != t)
            continue;
        if (--e->users > 0)
            return NULL;
        pl_list_remove(at);
        return e;
    }
    return NULL;
}

void plc_tls_pool_give_back(struct plc_tls_pool *p, struct plc_tls_settings *t)
{
    if (t == NULL)
        return;
    pl_guard_enter(p->guard);
    struct entry *last = leave(p, t);
    pl_guard_leave(p->guard);
    destroy(last);
}
