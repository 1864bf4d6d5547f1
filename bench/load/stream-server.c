/*
 * A server of byte streams that is never the bottleneck. The first byte of a connection says what it does:
 *
 *     d     sends BYTES, then waits for the client to close
 *     u     takes BYTES, then answers one byte
 *     e     sends back whatever follows
 *
 *     stream-server BYTES     prints {"event":"listening","port":N}; ends on SIGTERM
 *
 * One thread, one epoll loop. An echo that the kernel does not take at once ends the connection: clients wait for theirs.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum { BACKLOG = 4096, PIECE_BYTES = 1 << 18 };

struct peer {
    int fd;
    char service;
    long long left;
};

static int epoll_fd;
static long long stream_bytes;
static char piece[PIECE_BYTES];

static void watch(int how, int fd, uint32_t events, void *data) {
    struct epoll_event event = {.events = events, .data.ptr = data};
    epoll_ctl(epoll_fd, how, fd, &event);
}

static void drop(struct peer *p) {
    close(p->fd);
    free(p);
}

static void greet(int listener) {
    for (;;) {
        int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd < 0) return;
        int on = 1;
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        struct peer *p = malloc(sizeof *p);
        *p = (struct peer){.fd = fd, .left = stream_bytes};
        watch(EPOLL_CTL_ADD, fd, EPOLLIN, p);
    }
}

/* Returns 0 when the connection is of no more use. */
static int serve(struct peer *p, const char *data, size_t size) {
    if (p->service == 'e') return size == 0 || send(p->fd, data, size, MSG_NOSIGNAL) == (ssize_t)size;
    if (p->service != 'u') return 1;
    p->left -= (long long)size;
    return p->left > 0 || send(p->fd, "u", 1, MSG_NOSIGNAL) == 1;
}

static void take(struct peer *p) {
    static char data[PIECE_BYTES];
    ssize_t n = read(p->fd, data, sizeof data);
    if (n < 0 && errno == EAGAIN) return;
    if (n <= 0) return drop(p);
    size_t from = p->service == 0;
    if (p->service == 0) p->service = data[0];
    if (p->service == 'd') watch(EPOLL_CTL_MOD, p->fd, EPOLLIN | EPOLLOUT, p);
    if (!serve(p, data + from, (size_t)n - from)) drop(p);
}

/* Returns 0 when the connection is of no more use. */
static int pour(struct peer *p) {
    while (p->left > 0) {
        size_t size = p->left < PIECE_BYTES ? (size_t)p->left : PIECE_BYTES;
        ssize_t n = send(p->fd, piece, size, MSG_NOSIGNAL);
        if (n < 0) return errno == EAGAIN;
        p->left -= n;
    }
    watch(EPOLL_CTL_MOD, p->fd, EPOLLIN, p);
    return 1;
}

int main(int argc, char **argv) {
    if (argc != 2 || (stream_bytes = atoll(argv[1])) < 1) {
        fprintf(stderr, "usage: stream-server BYTES, from 1 on\n");
        return 2;
    }
    memset(piece, 'w', sizeof piece);
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof at;
    if (bind(listener, (struct sockaddr *)&at, sizeof at) < 0 || listen(listener, BACKLOG) < 0) {
        perror("stream-server: cannot listen");
        return 1;
    }
    getsockname(listener, (struct sockaddr *)&at, &size);
    epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    watch(EPOLL_CTL_ADD, listener, EPOLLIN, NULL);
    printf("{\"event\":\"listening\",\"port\":%d}\n", ntohs(at.sin_port));
    fflush(stdout);
    struct epoll_event events[256];
    for (;;) {
        int ready = epoll_wait(epoll_fd, events, 256, -1);
        for (int i = 0; i < ready; i++) {
            struct peer *p = events[i].data.ptr;
            if (p == NULL) greet(listener);
            else if ((events[i].events & EPOLLOUT) && !pour(p)) drop(p);
            else if (events[i].events & ~(uint32_t)EPOLLOUT) take(p);
        }
    }
}
