/* The listeners: connecting, the WebSocket's frames, Socket.IO, and what is counted. */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum { LISTENERS_AT_MOST = 20000, READ_BYTES = 1 << 18, SMALL_BUFFER = 32768 };

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

static Listener *everyone;
static int poll_fd, listeners, ready, opening, next_open, satisfied, failed, closed;
static bool resuming;
static long expected, events, repeated, disordered, frames;
static int64_t last_event_ns, read_bytes;
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
    if (one->state == READY) return;
    if (text[1] == '2') {
        if (*ready_mark && memmem(text, size, ready_mark, strlen(ready_mark))) become_ready(one);
        return;
    }
    if (text[1] != '0') return;
    if (*text_of("join")) send_text(one, text_of("join"));
    if (*ready_mark) return;
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
