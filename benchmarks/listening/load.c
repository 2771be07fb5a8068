/*
 * Many WebSocket listeners and a few publishers in one thread: fast enough that the server, and
 * not this, is what is measured. Built and spoken to by benchmarks/listening/load.py.
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
 *   drop      resets every connection
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
 * resume_path, resume_hello; and for publishing: post_port, post_path, body. In these @i@ is the
 * number of the listener, @r@ that of its room (of `rooms`; @R@ in twelve digits), @c@ its cursor, @p@ its Socket.IO pid,
 * @q@ the number of the event in its room and @t@ the time, ns (CLOCK_MONOTONIC). An event is
 * found by "q":NUMBER,"t":NS.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { LIFE_S = 900, LISTENERS_AT_MOST = 20000, POSTS_AT_MOST = 64, READ_BYTES = 1 << 18 };
enum { TEXT_AT_MOST = 8192, SMALL_BUFFER = 32768, EVENTS_PER_POLL = 512 };

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

/* ---- Listeners ---- */

typedef enum { CLOSED, CONNECTING, UPGRADING, OPEN, READY } State;
typedef struct {
    int fd, index;
    State state;
    bool small, stalled;
    int64_t began_ns;
    long got, last;                /* different events since `expect`, and the newest */
    uint8_t *seen;                 /* a bit for each event that is expected */
    char cursor[64], pid[48];
    uint8_t *tail; size_t tail_size; /* of a frame that is not complete yet */
    long beats;                    /* text frames without an event, and pings */
} Listener;

typedef struct { int fd; bool busy; char answer[4096]; size_t size; } Post;

static Listener *everyone;
static Post posts[POSTS_AT_MOST];
static int poll_fd, listeners, ready, opening, next_open, satisfied, failed, closed;
static bool resuming;
static long expected, events, repeated, disordered, frames;
static long post_events, posted, answered, refused;
static int post_count;
static int64_t publish_began_ns, last_event_ns, read_bytes;
static char first_trouble[256];
static Spread latency, connecting;
static uint8_t *inbox;
static size_t inbox_size;

static void trouble(const char *what, const char *detail) {
    if (!*first_trouble)
        snprintf(first_trouble, sizeof first_trouble, "%s: %.180s", what, detail);
}

static size_t expand(char *out, const char *pattern, const Listener *one, int room, long q,
                     int64_t t) {
    size_t size = 0;
    for (const char *p = pattern; *p; p++) {
        if (size > TEXT_AT_MOST - 128) fail("a text is too long", pattern);
        if (p[0] != '@' || !p[1] || p[2] != '@') { out[size++] = *p; continue; }
        switch (p[1]) {
        case 'i': size += (size_t)sprintf(out + size, "%d", one ? one->index : 0); break;
        case 'r': size += (size_t)sprintf(out + size, "%d", room); break;
        case 'R': size += (size_t)sprintf(out + size, "%012d", room); break;
        case 'c': size += (size_t)sprintf(out + size, "%s", one ? one->cursor : ""); break;
        case 'p': size += (size_t)sprintf(out + size, "%s", one ? one->pid : ""); break;
        case 'q': size += (size_t)sprintf(out + size, "%ld", q); break;
        case 't': size += (size_t)sprintf(out + size, "%ld", (long)t); break;
        default: out[size++] = *p; continue;
        }
        p += 2;
    }
    out[size] = 0;
    return size;
}

static int rooms(void) { return number_of("rooms") < 1 ? 1 : (int)number_of("rooms"); }

static void send_all(int fd, const char *data, size_t size) {
    if (send(fd, data, size, MSG_NOSIGNAL) != (ssize_t)size) trouble("sending", strerror(errno));
}

/* A client must mask; a mask of zeros leaves the text as it is. */
static void send_frame(const Listener *one, uint8_t opcode, const char *text, size_t size) {
    char out[TEXT_AT_MOST + 16];
    size_t head = 2;
    if (size > TEXT_AT_MOST) fail("a frame is too long", "");
    out[0] = (char)(0x80 | opcode);
    if (size < 126) out[1] = (char)(0x80 | size);
    else { out[1] = (char)(0x80 | 126); out[2] = (char)(size >> 8); out[3] = (char)size; head = 4; }
    memset(out + head, 0, 4);
    memcpy(out + head + 4, text, size);
    send_all(one->fd, out, head + 4 + size);
}

static void send_text(const Listener *one, const char *pattern) {
    char text[TEXT_AT_MOST];
    size_t size = expand(text, pattern, one, one->index % rooms(), 0, 0);
    send_frame(one, 1, text, size);
}

static void watch(const Listener *one, uint32_t what, int how) {
    struct epoll_event event = {.events = what, .data.u32 = (uint32_t)one->index};
    if (epoll_ctl(poll_fd, how, one->fd, &event)) fail("epoll", strerror(errno));
}

static void shut(Listener *one) {
    struct linger reset = {1, 0}; /* no farewell, and no port that waits for stragglers */
    if (one->state == CLOSED) return;
    setsockopt(one->fd, SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
    close(one->fd);
    if (one->state == READY) ready--; else opening--;
    one->state = CLOSED;
    free(one->tail);
    one->tail = NULL;
    one->tail_size = 0;
}

static void lose(Listener *one, const char *why) {
    trouble("a connection ended", why);
    if (one->state == READY) closed++; else failed++;
    shut(one);
}

static void open_one(Listener *one) {
    struct sockaddr_in where = {.sin_family = AF_INET, .sin_port = htons((uint16_t)number_of("port")),
                                .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int yes = 1, small = SMALL_BUFFER;
    one->began_ns = now_ns();
    one->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (one->fd < 0) fail("socket", strerror(errno));
    setsockopt(one->fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
    if (one->small) setsockopt(one->fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof small);
    if (connect(one->fd, (struct sockaddr *)&where, sizeof where) && errno != EINPROGRESS)
        fail("connect", strerror(errno));
    one->state = CONNECTING;
    one->stalled = false;
    opening++;
    watch(one, EPOLLOUT, EPOLL_CTL_ADD);
}

static void upgrade(Listener *one) {
    char out[TEXT_AT_MOST + 512], path[TEXT_AT_MOST];
    int error = 0;
    socklen_t size = sizeof error;
    getsockopt(one->fd, SOL_SOCKET, SO_ERROR, &error, &size);
    if (error) { lose(one, strerror(error)); return; }
    const char *again = text_of("resume_path");
    expand(path, resuming && *again ? again : text_of("path"), one, one->index % rooms(), 0, 0);
    const char *header = text_of("header");
    int made = snprintf(out, sizeof out,
                        "GET %s HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\n"
                        "Connection: Upgrade\r\nSec-WebSocket-Key: bGl2ZXRyYWlsIGJlbmNoIQ==\r\n"
                        "Sec-WebSocket-Version: 13\r\n%s%s\r\n", path, header, *header ? "\r\n" : "");
    send_all(one->fd, out, (size_t)made);
    one->state = UPGRADING;
    watch(one, EPOLLIN, EPOLL_CTL_MOD);
}

static void become_ready(Listener *one) {
    one->state = READY;
    opening--;
    ready++;
    spread_add(&connecting, now_ns() - one->began_ns);
}

static const char *hello(void) {
    const char *again = text_of("resume_hello");
    return resuming && *again ? again : text_of("hello");
}

static void opened(Listener *one) {
    one->state = OPEN;
    if (is_socket_io) return; /* the server speaks first */
    if (*hello()) send_text(one, hello());
    if (!*ready_mark) become_ready(one);
}

static void heard_event(Listener *one, long q, int64_t sent_ns, int64_t now) {
    events++;
    last_event_ns = now;
    spread_add(&latency, now - sent_ns);
    if (q < one->last) disordered++;
    one->last = q > one->last ? q : one->last;
    if (q < 1 || q > expected || !one->seen || (one->seen[q / 8] & (1 << (q % 8)))) {
        repeated++;
        return;
    }
    one->seen[q / 8] |= (uint8_t)(1 << (q % 8));
    if (++one->got == expected && !one->stalled) satisfied++;
}

static void note_cursor(Listener *one, const uint8_t *text, size_t size) {
    size_t length = strlen(cursor_key), used = 0;
    if (!length || size < length) return;
    for (const uint8_t *p = text + size - length; p >= text; p--)
        if (*p == (uint8_t)*cursor_key && !memcmp(p, cursor_key, length)) {
            for (p += length; p < text + size && used < sizeof one->cursor - 1; p++) {
                if (*p == ',' || *p == '}' || *p == '"' || *p == '\n' || *p == '\r') break;
                one->cursor[used++] = (char)*p;
            }
            one->cursor[used] = 0;
            return;
        }
}

static void socket_io(Listener *one, const char *text, size_t size) {
    if (text[0] == '2') { send_frame(one, 1, "3", 1); return; }
    if (text[0] == '0') { send_text(one, *hello() ? hello() : "40"); return; }
    if (size < 2 || text[0] != '4') return;
    if (text[1] == '4') { trouble("Socket.IO refused", text); return; }
    if (text[1] != '0' || one->state == READY) return;
    const char *pid = memmem(text, size, "\"pid\":\"", 7);
    if (pid) snprintf(one->pid, sizeof one->pid, "%.*s", (int)strcspn(pid + 7, "\""), pid + 7);
    become_ready(one);
}

static void heard_text(Listener *one, const uint8_t *text, size_t size, int64_t now) {
    const uint8_t *p = text, *end = text + size;
    long before = events;
    frames++;
    if (!size) return;
    while ((p = memmem(p, (size_t)(end - p), "\"q\":", 4))) {
        char *after;
        long q = strtol((const char *)p + 4, &after, 10);
        if (strncmp(after, ",\"t\":", 5)) { p += 4; continue; }
        heard_event(one, q, strtoll(after + 5, &after, 10), now);
        p = (const uint8_t *)after;
    }
    if (events == before) one->beats++;
    if (is_socket_io) {
        if (events > before) note_cursor(one, text, size);
        else socket_io(one, (const char *)text, size);
        return;
    }
    note_cursor(one, text, size);
    if (one->state == OPEN && memmem(text, size, ready_mark, strlen(ready_mark)))
        become_ready(one);
}

/* Returns the bytes of whole frames that were understood. */
static size_t heard_frames(Listener *one, uint8_t *data, size_t size, int64_t now) {
    size_t used = 0;
    while (size - used >= 2 && one->state != CLOSED) {
        uint8_t *p = data + used;
        size_t head = 2, length = p[1] & 127;
        if (length == 126) head = 4;
        if (length == 127) head = 10;
        if (size - used < head) break;
        if (head > 2) {
            length = 0;
            for (size_t i = 2; i < head; i++) length = length << 8 | p[i];
        }
        if (size - used < head + length) break;
        used += head + length;
        switch (p[0]) {
        case 0x81: {
            /* So that the numbers in a text end with it. */
            uint8_t kept = p[head + length];
            p[head + length] = 0;
            heard_text(one, p + head, length, now);
            p[head + length] = kept;
            break;
        }
        case 0x88: {
            char why[160];
            int code = length > 1 ? p[head] << 8 | p[head + 1] : 0;
            snprintf(why, sizeof why, "%d %.*s", code, length > 2 ? (int)length - 2 : 0, p + head + 2);
            lose(one, why);
            break;
        }
        case 0x89: one->beats++; send_frame(one, 10, (char *)p + head, length); break;
        case 0x8a: break;
        default: fail("a frame of a kind that is not spoken here", "");
        }
    }
    return used;
}

static void readable(Listener *one) {
    if (inbox_size < one->tail_size + READ_BYTES + 1) {
        inbox_size = 2 * (one->tail_size + READ_BYTES + 1);
        inbox = realloc(inbox, inbox_size);
    }
    if (one->tail_size) memcpy(inbox, one->tail, one->tail_size);
    ssize_t more = recv(one->fd, inbox + one->tail_size, READ_BYTES, 0);
    if (more < 0 && (errno == EAGAIN || errno == EINTR)) return;
    if (more <= 0) { lose(one, more ? strerror(errno) : "by the server"); return; }
    read_bytes += more;
    size_t size = one->tail_size + (size_t)more, used = 0;
    if (one->state == UPGRADING) {
        const uint8_t *end = memmem(inbox, size, "\r\n\r\n", 4);
        if (end) {
            inbox[size] = 0;
            if (memcmp(inbox, "HTTP/1.1 101", 12)) { lose(one, (char *)inbox); return; }
            used = (size_t)(end + 4 - inbox);
            opened(one);
        }
    }
    if (one->state >= OPEN) used += heard_frames(one, inbox + used, size - used, now_ns());
    if (one->state == CLOSED) return;
    free(one->tail);
    one->tail = NULL;
    one->tail_size = size - used;
    if (one->tail_size) {
        one->tail = malloc(one->tail_size);
        memcpy(one->tail, inbox + used, one->tail_size);
    }
}

static void open_more(void) {
    int inflight = number_of("inflight") < 1 ? 64 : (int)number_of("inflight");
    while (opening < inflight && next_open < listeners) open_one(&everyone[next_open++]);
}

/* ---- Publishers ---- */

static void post_one(Post *post) {
    char out[2 * TEXT_AT_MOST + 512], path[TEXT_AT_MOST], body[TEXT_AT_MOST];
    double rate = number_of("rate");
    int64_t now = now_ns();
    int64_t due = publish_began_ns + (rate > 0 ? (int64_t)((double)posted * 1e9 / rate) : 0);
    /* An event that is late because the server did not answer the one before was due earlier. */
    int64_t t = rate > 0 && now - due > 2000000 ? due : now;
    int room = (int)(posted % rooms());
    expand(path, text_of("post_path"), NULL, room, posted / rooms() + 1, t);
    size_t size = expand(body, text_of("body"), NULL, room, posted / rooms() + 1, t);
    int made = snprintf(out, sizeof out,
                        "POST %s HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
                        "Content-Length: %zu\r\n\r\n%s", path, size, body);
    posted++;
    post->busy = true;
    post->size = 0;
    send_all(post->fd, out, (size_t)made);
}

static void post_answered(Post *post) {
    ssize_t more = recv(post->fd, post->answer + post->size,
                        sizeof post->answer - 1 - post->size, MSG_DONTWAIT);
    if (more <= 0) fail("the server closed a publishing connection", post->answer);
    post->size += (size_t)more;
    post->answer[post->size] = 0;
    const char *end = strstr(post->answer, "\r\n\r\n");
    const char *length = strcasestr(post->answer, "\r\ncontent-length:");
    if (!end) return;
    if (!length && strncmp(post->answer, "HTTP/1.1 204", 12))
        fail("an answer to a POST says not how long it is", post->answer);
    if (post->size < (size_t)(end + 4 - post->answer) + (length ? strtoul(length + 17, NULL, 10) : 0))
        return;
    if (strncmp(post->answer, "HTTP/1.1 2", 10)) { refused++; trouble("POST", post->answer); }
    answered++;
    post->busy = false;
}

static void start_publishing(void) {
    int port = (int)number_of(*text_of("post_port") ? "post_port" : "port"), yes = 1;
    struct sockaddr_in where = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port),
                                .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    post_events = (long)number_of("events");
    post_count = number_of("posts") < 1 ? 1 : (int)number_of("posts");
    if (post_count > POSTS_AT_MOST) fail("too many publishing connections", "");
    for (int i = 0; i < post_count; i++) {
        posts[i].fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        posts[i].busy = false;
        if (connect(posts[i].fd, (struct sockaddr *)&where, sizeof where))
            fail("connect for publishing", strerror(errno));
        setsockopt(posts[i].fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
        struct epoll_event event = {.events = EPOLLIN,
                                    .data.u32 = (uint32_t)(LISTENERS_AT_MOST + i)};
        epoll_ctl(poll_fd, EPOLL_CTL_ADD, posts[i].fd, &event);
    }
    posted = answered = refused = 0;
    publish_began_ns = now_ns();
}

static void stop_publishing(void) {
    for (int i = 0; i < post_count; i++) close(posts[i].fd);
    post_count = 0;
    post_events = 0;
}

/* Posts what is due; returns the milliseconds until something will be. */
static int publish_due(void) {
    double rate = number_of("rate");
    for (int i = 0; i < post_count && posted < post_events; i++) {
        if (posts[i].busy) continue;
        int64_t wait = publish_began_ns + (rate > 0 ? (int64_t)((double)posted * 1e9 / rate) : 0)
                       - now_ns();
        if (rate > 0 && wait > 0) return (int)(wait / 1000000) + 1;
        post_one(&posts[i]);
    }
    return 1000;
}

/* ---- Orders ---- */

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
