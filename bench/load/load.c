/*
 * A load generator for services of one request a connection: connect, send, read until FIN, close, again.
 *
 *     load HOST PORT CONNECTIONS SECONDS MESSAGE [line|fin]
 *
 * With "line" an exchange ends behind the first line of the reply instead of at the server's FIN, for services that
 * leave the closing to their client. With "fin" each message is followed by FIN (shutdown), as of a client that has
 * nothing more to say.
 *
 * A connection that this end closes first leaves its port in TIME-WAIT, and 28,000 ports of one address, each usable
 * again after a second or so, allow some 14,000 exchanges a second and no more. So it connects from several addresses
 * of 127.0.0.0/8 in turn, and HOST is one of them.
 *
 * It keeps CONNECTIONS exchanges in flight on one epoll loop and one thread, so that the server and not the generator
 * is the bottleneck, and prints one line of JSON. Latency is the time from connect() to the server's FIN (figures.h). An
 * exchange that ends in a reset, in a refused connection or without a byte of reply is an error.
 *
 * Deliberately absent: any reading of the replies. It counts their bytes.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>
#include "figures.h"

enum { CONNECTIONS_MAX = 4096, READ_BYTES = 1 << 16, SOURCES = 16, SOURCE_FIRST = 0x7f000001 };

struct exchange {
    int fd;
    int is_sent;
    uint64_t started_us;
    uint64_t received;
};

static struct sockaddr_in target;
static const char *message;
static size_t message_bytes;
static int ends_at_line;
static int sends_fin;
static int epoll_fd;

/* Chooses the address to connect from; its port is left to connect(), which may then choose one per target. */
static void choose_source(int fd) {
    static uint32_t turn;
    struct sockaddr_in source = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(SOURCE_FIRST + turn++ % SOURCES)};
    int on = 1;
    setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof on);
    if (bind(fd, (struct sockaddr *)&source, sizeof source) < 0) {
        perror("bind");
        exit(1);
    }
}

static void begin(struct exchange *x) {
    x->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (x->fd < 0) {
        perror("socket");
        exit(1);
    }
    choose_source(x->fd);
    int on = 1;
    setsockopt(x->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    x->is_sent = 0;
    x->received = 0;
    x->started_us = now_us();
    if (connect(x->fd, (struct sockaddr *)&target, sizeof target) < 0 && errno != EINPROGRESS) {
        perror("connect");
        exit(1);
    }
    struct epoll_event event = {.events = EPOLLOUT, .data.ptr = x};
    epoll_ctl(epoll_fd, EPOLL_CTL_ADD, x->fd, &event);
}

static void finish(struct exchange *x, int is_error) {
    close(x->fd);
    x->fd = -1;
    count_exchange(is_error, x->received, x->started_us);
}

/* Moves one exchange on; returns 1 when it is over. */
static int advance(struct exchange *x) {
    static char buffer[READ_BYTES];
    if (!x->is_sent) {
        ssize_t n = send(x->fd, message, message_bytes, MSG_NOSIGNAL);
        if (n != (ssize_t)message_bytes) {
            finish(x, 1);
            return 1;
        }
        if (sends_fin) shutdown(x->fd, SHUT_WR);
        x->is_sent = 1;
        struct epoll_event event = {.events = EPOLLIN, .data.ptr = x};
        epoll_ctl(epoll_fd, EPOLL_CTL_MOD, x->fd, &event);
        return 0;
    }
    for (;;) {
        ssize_t n = read(x->fd, buffer, sizeof buffer);
        if (n > 0) {
            x->received += (uint64_t)n;
            if (ends_at_line && memchr(buffer, '\n', (size_t)n)) {
                finish(x, 0);
                return 1;
            }
            continue;
        }
        if (n < 0 && errno == EAGAIN) return 0;
        finish(x, n < 0 || ends_at_line);
        return 1;
    }
}

int main(int argc, char **argv) {
    ends_at_line = argc == 7 && strcmp(argv[6], "line") == 0;
    sends_fin = argc == 7 && strcmp(argv[6], "fin") == 0;
    if (argc != 6 && !ends_at_line && !sends_fin) {
        fprintf(stderr, "usage: load HOST PORT CONNECTIONS SECONDS MESSAGE [line|fin]\n");
        return 2;
    }
    target.sin_family = AF_INET;
    target.sin_port = htons((uint16_t)atoi(argv[2]));
    if (inet_pton(AF_INET, argv[1], &target.sin_addr) != 1) {
        fprintf(stderr, "load: \"%s\" is no IPv4 address; type one of loopback, such as 127.0.0.1\n", argv[1]);
        return 2;
    }
    int connections = atoi(argv[3]);
    if (connections < 1 || connections > CONNECTIONS_MAX) {
        fprintf(stderr, "load: %s connections; type a number from 1 to %d\n", argv[3], CONNECTIONS_MAX);
        return 2;
    }
    message = argv[5];
    message_bytes = strlen(message);
    epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    struct exchange *all = calloc((size_t)connections, sizeof *all);
    uint64_t start = now_us(), end = start + (uint64_t)(atof(argv[4]) * 1e6);
    for (int i = 0; i < connections; i++) begin(&all[i]);
    int live = connections;
    struct epoll_event events[256];
    while (live > 0) {
        int ready = epoll_wait(epoll_fd, events, 256, 1000);
        uint64_t now = now_us();
        /* What still hangs long after the end is an error, not a reason to wait forever. */
        if (now > end + 30000000) {
            errors += (uint64_t)live;
            break;
        }
        for (int i = 0; i < ready; i++) {
            struct exchange *x = events[i].data.ptr;
            if (!advance(x)) continue;
            if (now < end) begin(x);
            else live--;
        }
    }
    print_figures(start);
    return 0;
}
