/* What every part needs: failing, time, how times are distributed, the values that were given. */
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { TEXT_AT_MOST = 8192 };

static void fail(const char *what, const char *detail) {
    printf("{\"error\":\"%s\",\"detail\":\"", what);
    for (; *detail && *detail != '\r' && *detail != '\n'; detail++)
        if (*detail != '"' && *detail != '\\' && (unsigned char)*detail >= ' ') putchar(*detail);
    printf("\"}\n");
    fflush(stdout);
    exit(1);
}

static int64_t now_ns(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

/* ---- Spread: how values (ns) are distributed, each kept to within 1/64 of itself ---- */

enum { STEPS = 64 * 60 };
typedef struct { uint64_t in[STEPS], n; int64_t most; } Spread;

static void spread_add(Spread *s, int64_t value) {
    uint64_t v = value < 0 ? 0 : (uint64_t)value;
    int shift = v < 128 ? 0 : 57 - __builtin_clzll(v);
    s->in[shift * 64 + (int)(v >> shift)]++;
    s->n++;
    if (value > s->most) s->most = value;
}

static double spread_ms(const Spread *s, double share) {
    uint64_t wanted = (uint64_t)(share * (double)s->n), passed = 0;
    for (int i = 0; i < STEPS; i++)
        if ((passed += s->in[i]) > wanted) {
            int shift = i < 128 ? 0 : i / 64 - 1;
            return ((double)(i - shift * 64) + 0.5) * (double)(1ull << shift) / 1e6;
        }
    return (double)s->most / 1e6;
}

static void spread_print(const char *name, const Spread *s) {
    printf(",\"%s\":{\"n\":%lu,\"p50\":%.4f,\"p90\":%.4f,\"p99\":%.4f,\"max\":%.4f}", name,
           (unsigned long)s->n, spread_ms(s, .5), spread_ms(s, .9), spread_ms(s, .99),
           (double)s->most / 1e6);
}

/* ---- The values that were given ---- */

enum { VALUES_AT_MOST = 48 };
static struct { char key[24]; char *text; } values[VALUES_AT_MOST];

static const char *text_of(const char *key) {
    for (int i = 0; i < VALUES_AT_MOST && values[i].text; i++)
        if (!strcmp(values[i].key, key)) return values[i].text;
    return "";
}
static double number_of(const char *key) { return atof(text_of(key)); }

static void remember(const char *key, const char *text) {
    int i = 0;
    while (i < VALUES_AT_MOST && values[i].text && strcmp(values[i].key, key)) i++;
    if (i == VALUES_AT_MOST || strlen(key) >= sizeof values[i].key) fail("too many values", key);
    strcpy(values[i].key, key);
    free(values[i].text);
    values[i].text = strdup(text);
}

/* What every frame asks for, looked up once an order. */
static bool is_socket_io;
static const char *cursor_key = "", *ready_mark = "";
