/*
 * Many WebSocket listeners and a few publishers in one thread: fast enough that the server, and
 * not this, is what is measured. Built by tools.py, spoken to by load.py.
 *
 * Orders are lines on standard input, `name<TAB>key=value<TAB>...`; each is answered by one line of
 * JSON. Values stay until they are given anew. It ends with its input, or after LIFE_S seconds.
 *
 *   connect   opens `count` more listeners, `inflight` at once; ends when all are ready
 *   expect    forgets what was counted; from now on every listener wants events 1..`events`.
 *             With keep=1 only the number changes
 *   publish   POSTs `events` events over `posts` connections, at `rate` a second (0: each as soon
 *             as the one before was answered); ends with the last answer
 *   wait      until every listener that reads has all it expects
 *   drop      resets every connection, and forgets those that had ended
 *   resume    opens all listeners again with their cursors; ends as `wait` does
 *   stall     on=1: the listeners connected with small=1 stop reading; on=0: they go on
 *   hold      reads and answers pings for `seconds`
 *   count     what was counted so far
 *
 * Every order ends after `timeout` seconds at the latest, and says so ("timed_out").
 *
 * How a server is spoken to is given by: port, kind (ws, sio: Socket.IO 4), path, header, hello (a
 * text sent when the connection is open), ready (what a frame must hold for the listener to be
 * ready; empty: at once), cursor_key (what stands before a cursor; empty: there is none),
 * resume_path, resume_hello, join (Socket.IO: a text sent when the hello was answered); and for publishing: post_port, post_path, body. In these @i@ is the
 * number of the listener, @r@ that of its room (of `rooms`; @R@ in twelve digits), @c@ its cursor, @p@ its Socket.IO pid,
 * @q@ the number of the event in its room and @t@ the time, ns (CLOCK_MONOTONIC). An event is
 * found by "q":NUMBER,"t":NS.
 */
#define _GNU_SOURCE
#include "base.h"
#include "listeners.h"
#include "posts.h"

enum { LIFE_S = 900, EVENTS_PER_POLL = 64 };

static char order[24]; /* that is being carried out; empty: none */
static int64_t order_began_ns, order_ends_ns, hold_ends_ns;

static void count_satisfied(void) {
    satisfied = 0;
    for (int i = 0; i < listeners; i++)
        satisfied += !everyone[i].stalled && everyone[i].got >= expected;
}

static void expect(void) {
    bool keep = number_of("keep") > 0;
    expected = (long)number_of("events");
    for (int i = 0; i < listeners && !keep; i++) {
        Listener *one = &everyone[i];
        one->got = one->last = one->beats = 0;
        free(one->seen);
        one->seen = calloc(1, (size_t)expected / 8 + 1);
    }
    if (!keep) {
        events = repeated = disordered = frames = closed = 0;
        read_bytes = last_event_ns = 0;
        memset(&latency, 0, sizeof latency);
    }
    count_satisfied();
}

static void stall(bool on) {
    for (int i = 0; i < listeners; i++) {
        Listener *one = &everyone[i];
        if (one->small && one->state == READY && one->stalled != on) {
            one->stalled = on;
            watch(one, on ? 0 : EPOLLIN, EPOLL_CTL_MOD);
        }
    }
    count_satisfied();
}

static int readers(void) {
    int n = 0;
    for (int i = 0; i < listeners; i++) n += !everyone[i].stalled;
    return n;
}

static bool is_done(int64_t now) {
    if (!strcmp(order, "connect")) return next_open == listeners && !opening;
    if (!strcmp(order, "publish")) return answered == post_events;
    if (!strcmp(order, "wait")) return satisfied == readers();
    if (!strcmp(order, "resume"))
        return next_open == listeners && !opening && (satisfied == readers() || failed);
    if (!strcmp(order, "hold")) return now >= hold_ends_ns;
    return true;
}

static void answer(int64_t now, bool timed_out) {
    long lost = 0, beaten = 0;
    for (int i = 0; i < listeners; i++) {
        if (!everyone[i].stalled && everyone[i].got < expected) lost += expected - everyone[i].got;
        beaten += everyone[i].beats > 0;
    }
    printf("{\"order\":\"%s\",\"timed_out\":%s,\"took_s\":%.6f,\"began_ns\":%ld,\"last_event_ns\":%ld"
           ",\"ready\":%d,\"failed\":%d,\"closed\":%d,\"events\":%ld,\"lost\":%ld,\"repeated\":%ld"
           ",\"disordered\":%ld,\"frames\":%ld,\"bytes\":%ld,\"refused\":%ld,\"beaten\":%ld",
           order, timed_out ? "true" : "false", (double)(now - order_began_ns) / 1e9,
           (long)order_began_ns, (long)last_event_ns, ready, failed, closed, events, lost, repeated,
           disordered, frames, (long)read_bytes, refused, beaten);
    spread_print("latency_ms", &latency);
    spread_print("connect_ms", &connecting);
    printf(",\"trouble\":\"");
    for (const char *p = first_trouble; *p; p++)
        if (*p != '"' && *p != '\\' && (unsigned char)*p >= ' ') putchar(*p);
    printf("\"}\n");
    fflush(stdout);
    if (!strcmp(order, "publish")) stop_publishing();
    order[0] = 0;
}

static void begin(char *line) {
    for (char *field = strchr(line, '\t'); field;) {
        char *next = strchr(field + 1, '\t'), *equals = strchr(field + 1, '=');
        if (next) *next = 0;
        if (!equals) fail("a value without =", field);
        *equals = 0;
        remember(field + 1, equals + 1);
        *field = 0;
        field = next;
    }
    is_socket_io = !strcmp(text_of("kind"), "sio");
    cursor_key = text_of("cursor_key");
    ready_mark = text_of("ready");
    snprintf(order, sizeof order, "%.20s", line);
    order_began_ns = now_ns();
    order_ends_ns = order_began_ns + (int64_t)(number_of("timeout") * 1e9);
    if (!strcmp(order, "connect")) {
        int more = (int)number_of("count");
        if (listeners + more > LISTENERS_AT_MOST) fail("too many listeners", "");
        for (int i = listeners; i < listeners + more; i++) {
            everyone[i] = (Listener){.index = i, .small = number_of("small") > 0};
            everyone[i].seen = calloc(1, (size_t)expected / 8 + 1);
        }
        next_open = listeners;
        listeners += more;
        failed = 0;
        resuming = false;
        memset(&connecting, 0, sizeof connecting);
    } else if (!strcmp(order, "expect")) {
        expect();
    } else if (!strcmp(order, "publish")) {
        start_publishing();
    } else if (!strcmp(order, "drop")) {
        for (int i = 0; i < listeners; i++) shut(&everyone[i]);
        closed = 0; /* whatever ended before was to end */
        first_trouble[0] = 0;
    } else if (!strcmp(order, "resume")) {
        next_open = failed = 0;
        resuming = true;
        memset(&connecting, 0, sizeof connecting);
    } else if (!strcmp(order, "stall")) {
        stall(number_of("on") > 0);
    } else if (!strcmp(order, "hold")) {
        hold_ends_ns = order_began_ns + (int64_t)(number_of("seconds") * 1e9);
    } else if (strcmp(order, "wait") && strcmp(order, "count")) {
        fail("no such order", order);
    }
}

static void read_order(void) {
    static char line[4 * TEXT_AT_MOST];
    static size_t size;
    ssize_t more = read(0, line + size, sizeof line - 1 - size);
    if (more <= 0) exit(0);
    size += (size_t)more;
    line[size] = 0;
    char *end = strchr(line, '\n');
    if (!end) return;
    *end = 0;
    begin(line);
    size = 0; /* whoever orders waits for the answer first */
}

int main(void) {
    struct epoll_event found[EVENTS_PER_POLL], input = {.events = EPOLLIN, .data.u32 = UINT32_MAX};
    alarm(LIFE_S);
    everyone = calloc(LISTENERS_AT_MOST, sizeof *everyone);
    poll_fd = epoll_create1(EPOLL_CLOEXEC);
    epoll_ctl(poll_fd, EPOLL_CTL_ADD, 0, &input);
    for (;;) {
        int pause_ms = publish_due();
        if (!strcmp(order, "hold") && pause_ms > 20) pause_ms = 20;
        /* Few at a time: whoever publishes does not wait for a thousand who listen. */
        int n = epoll_wait(poll_fd, found, EVENTS_PER_POLL, pause_ms);
        for (int i = 0; i < n; i++) {
            uint32_t who = found[i].data.u32;
            if (who == UINT32_MAX) read_order();
            else if (who >= LISTENERS_AT_MOST) post_answered(&posts[who - LISTENERS_AT_MOST]);
            else if (everyone[who].state == CONNECTING) upgrade(&everyone[who]);
            else if (everyone[who].state != CLOSED) readable(&everyone[who]);
        }
        if (next_open < listeners) open_more();
        int64_t now = now_ns();
        if (*order && is_done(now)) answer(now, false);
        else if (*order && now > order_ends_ns) answer(now, true);
    }
}
