/* SPDX-License-Identifier: Apache-2.0 */
/* curve.c - see curve.h.
 *
 * The picture has latency on a logarithmic scale, because the interesting part
 * of such a curve is where it grows a hundredfold, and load on a linear one,
 * which begins at zero.  Each curve has a colour, and each quantile a dash.
 *
 * Rejected: a library for plots, which would be many times this file.
 *
 * Invariant: text of others goes through put_text(), so the picture is
 * well-formed XML whatever the names are. */
#include "curve.h"

#include <math.h>

#include "hist.h"

enum {
    WIDTH = 840,
    HEIGHT = 480,
    LEFT = 80,
    RIGHT = 660,
    TOP = 50,
    BOTTOM = 420,
    TICKS = 5
};

static const double fractions[BENCH_QUANTILES] = {0.5, 0.9, 0.99, 0.999, 1.0};

void bench_curve_add(struct bench_curve *c, struct bench_point point,
                     const struct bench_hist *h)
{
    if (c->count == BENCH_POINTS_MAX)
        return;
    for (int q = 0; q < BENCH_QUANTILES; q++)
        point.us[q] = (double)bench_hist_quantile(h, fractions[q]) / 1000;
    c->points[c->count++] = point;
}

/* --- Scales --- */

struct scale {
    double rate;      /* of the right edge */
    double low, high; /* decades of microseconds */
};

static struct scale scale_of(const struct bench_curve *curves, unsigned count)
{
    double low = INFINITY, high = 0, rate = 0;

    for (unsigned i = 0; i < count; i++) {
        for (unsigned k = 0; k < curves[i].count; k++) {
            const struct bench_point *p = &curves[i].points[k];

            rate = fmax(rate, p->rate);
            low = p->us[BENCH_P50] > 0 ? fmin(low, p->us[BENCH_P50]) : low;
            high = fmax(high, p->us[BENCH_MOST]);
        }
    }
    if (high <= 0)
        return (struct scale){rate > 0 ? rate : 1, 0, 1};
    low = floor(log10(low));
    high = ceil(log10(high));
    return (struct scale){rate, low, high > low ? high : low + 1};
}

static double x_of(const struct scale *s, double rate)
{
    return LEFT + (RIGHT - LEFT) * rate / s->rate;
}

static double y_of(const struct scale *s, double us)
{
    double at = us > 0 ? (log10(us) - s->low) / (s->high - s->low) : 0;

    return BOTTOM - (BOTTOM - TOP) * fmax(at, 0);
}

/* --- SVG --- */

/* Control characters are no XML, so a blank stands for each. */
static void put_text(FILE *f, const char *text)
{
    for (const char *c = text; *c != '\0'; c++) {
        if (*c == '<')
            fputs("&lt;", f);
        else if (*c == '&')
            fputs("&amp;", f);
        else if (*c == '>')
            fputs("&gt;", f);
        else
            fputc((unsigned char)*c < ' ' ? ' ' : *c, f);
    }
}

static void put_label(FILE *f, double x, double y, const char *anchor,
                      const char *text)
{
    fprintf(f, "<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"%s\">", x, y, anchor);
    put_text(f, text);
    fputs("</text>\n", f);
}

static void put_line(FILE *f, double x1, double y1, double x2, double y2,
                     const char *style)
{
    fprintf(f, "<line x1=\"%.1f\" y1=\"%.1f\" x2=\"%.1f\" y2=\"%.1f\" %s/>\n",
            x1, y1, x2, y2, style);
}

static const char grid[] = "stroke=\"#888\" stroke-width=\"0.4\"";

static void format_time(char *out, size_t size, double us)
{
    if (us < 1000)
        snprintf(out, size, "%g \xc2\xb5s", us);
    else if (us < 1000000)
        snprintf(out, size, "%g ms", us / 1000);
    else
        snprintf(out, size, "%g s", us / 1000000);
}

static void put_axes(FILE *f, const struct scale *s)
{
    char text[64];

    for (int d = (int)s->low; d <= (int)s->high; d++) {
        double y = y_of(s, pow(10, d));

        put_line(f, LEFT, y, RIGHT, y, grid);
        format_time(text, sizeof text, pow(10, d));
        put_label(f, LEFT - 8, y + 4, "end", text);
    }
    for (int i = 0; i <= TICKS; i++) {
        double rate = s->rate * i / TICKS, x = x_of(s, rate);

        put_line(f, x, TOP, x, BOTTOM, grid);
        snprintf(text, sizeof text, "%.4g", rate);
        put_label(f, x, BOTTOM + 18, "middle", text);
    }
    put_label(f, (LEFT + RIGHT) / 2.0, BOTTOM + 40, "middle",
              "load: what was due a second");
}

static const char *const colours[] = {"#1f77b4", "#d62728", "#2ca02c",
                                      "#9467bd", "#ff7f0e", "#8c564b",
                                      "#17becf", "#7f7f7f"};
static const struct {
    enum bench_quantile q;
    const char *name;
    const char *dash;
} drawn[] = {
    {BENCH_P50, "p50", "none"},
    {BENCH_P99, "p99", "6 3"},
    {BENCH_P999, "p99.9", "2 3"},
};

static void put_curve(FILE *f, const struct scale *s,
                      const struct bench_curve *c, unsigned index)
{
    const char *colour = colours[index % (sizeof colours / sizeof *colours)];
    char text[128];

    for (unsigned d = 0; d < sizeof drawn / sizeof *drawn; d++) {
        double y = TOP + 18.0 * (3 * index + d) + 10;

        fprintf(f,
                "<polyline fill=\"none\" stroke=\"%s\" stroke-width=\"2\" "
                "stroke-dasharray=\"%s\" points=\"",
                colour, drawn[d].dash);
        for (unsigned i = 0; i < c->count; i++)
            fprintf(f, "%s%.1f,%.1f", i == 0 ? "" : " ",
                    x_of(s, c->points[i].rate),
                    y_of(s, c->points[i].us[drawn[d].q]));
        fputs("\"/>\n", f);
        snprintf(text, sizeof text,
                 "stroke=\"%s\" stroke-width=\"2\" stroke-dasharray=\"%s\"",
                 colour, drawn[d].dash);
        put_line(f, RIGHT + 14, y, RIGHT + 44, y, text);
        snprintf(text, sizeof text, "%s %s", c->name, drawn[d].name);
        put_label(f, RIGHT + 50, y + 4, "start", text);
    }
}

bool bench_curve_draw(FILE *f, const char *title,
                      const struct bench_curve *curves, unsigned count)
{
    struct scale s = scale_of(curves, count);

    fprintf(f,
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%d\" "
            "height=\"%d\" viewBox=\"0 0 %d %d\" font-family=\"sans-serif\" "
            "font-size=\"12\" fill=\"#222\">\n"
            "<rect width=\"%d\" height=\"%d\" fill=\"#fff\"/>\n",
            WIDTH, HEIGHT, WIDTH, HEIGHT, WIDTH, HEIGHT);
    put_label(f, (LEFT + RIGHT) / 2.0, TOP - 20, "middle", title);
    put_axes(f, &s);
    for (unsigned i = 0; i < count; i++)
        put_curve(f, &s, &curves[i], i);
    fputs("</svg>\n", f);
    return fflush(f) == 0 && !ferror(f);
}
