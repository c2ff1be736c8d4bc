/* SPDX-License-Identifier: Apache-2.0 */
/* settings_import.c - reads a configuration of Centrifugo as one of parley. */
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "config_file.h"
#include "settings.h"

static bool lacks_ipv6(void)
{
    int fd = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (fd >= 0)
        close(fd);
    return fd < 0;
}

enum pl_err pl_settings_translate(struct pl_centrifugo_result *out,
                                  const struct pl_config_source *src,
                                  bool *can_others_read, struct pl_buf *report)
{
    struct pl_centrifugo_source from = {.file = src->file,
                                        .variables = src->variables,
                                        .variable_count = src->variable_count,
                                        .lacks_ipv6 = lacks_ipv6()};
    const char *why = pl_centrifugo_file_fault(src->file);
    enum pl_err rc = why == NULL ? PL_OK : PL_EINVAL;
    struct pl_buf text = {0};

    *out = (struct pl_centrifugo_result){.origins = NULL};
    if (rc == PL_OK)
        rc = pl_config_file_read(&text, src->file, can_others_read, &why);
    if (why != NULL)
        pl_buf_printf(report, "%s: %s\n", src->file, why);
    from.text = pl_buf_span(&text);
    if (rc == PL_OK)
        rc = pl_centrifugo_translate(out, &from, report);
    pl_config_file_fini(&text);
    return rc;
}

bool pl_settings_is_variable(const char *text)
{
    return pl_config_is_variable(text) || pl_centrifugo_is_variable(text);
}
