/* The publishers: keep-alive connections that POST events, on a beat or as fast as answered. */

enum { POSTS_AT_MOST = 64 };
typedef struct { int fd; bool busy; char answer[4096]; size_t size; } Post;

static Post posts[POSTS_AT_MOST];
static int post_count;
static long post_events, posted, answered, refused;
static int64_t publish_began_ns;

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
