/*
 * A slower disk: every fsync and fdatasync takes SLOW_FSYNC_MS milliseconds longer. Loaded before
 * everything else (LD_PRELOAD) into the server that is measured; SQLite calls these two.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdlib.h>
#include <time.h>

static int slowly(const char *name, int fd) {
    const char *given = getenv("SLOW_FSYNC_MS");
    long ns = (given ? atol(given) : 0) * 1000000;
    struct timespec pause = {ns / 1000000000, ns % 1000000000};
    int (*real)(int) = (int (*)(int))dlsym(RTLD_NEXT, name);
    nanosleep(&pause, NULL);
    return real(fd);
}

int fsync(int fd) { return slowly("fsync", fd); }
int fdatasync(int fd) { return slowly("fdatasync", fd); }
