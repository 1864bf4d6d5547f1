/*
 * A server of one request a connection that is never the bottleneck: it answers so many bytes and closes.
 *
 *     fixed-server BYTES      prints {"event":"listening","port":N}; ends on SIGTERM
 *
 * One thread, one epoll loop. It waits for the first bytes of a message and reads no more, so a message must come in one
 * piece: what is left unread makes the kernel send RST.
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

enum { BACKLOG = 4096, PIECE_BYTES = 1 << 18, READ_BYTES = 1 << 14 };

struct peer {
    int fd;
    long long left;
};

static int epoll_fd;
static long long reply_bytes;
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
        *p = (struct peer){.fd = fd, .left = -1};
        watch(EPOLL_CTL_ADD, fd, EPOLLIN, p);
    }
}

static void answer(struct peer *p) {
    if (p->left < 0) {
        static char message[READ_BYTES];
        ssize_t n = read(p->fd, message, sizeof message);
        if (n < 0 && errno == EAGAIN) return;
        if (n <= 0) return drop(p);
        p->left = reply_bytes;
        if (reply_bytes > PIECE_BYTES) watch(EPOLL_CTL_MOD, p->fd, EPOLLOUT, p);
    }
    while (p->left > 0) {
        size_t size = p->left < PIECE_BYTES ? (size_t)p->left : PIECE_BYTES;
        ssize_t n = send(p->fd, piece, size, MSG_NOSIGNAL);
        if (n < 0 && errno == EAGAIN) return;
        if (n < 0) return drop(p);
        p->left -= n;
    }
    drop(p);
}

int main(int argc, char **argv) {
    if (argc != 2 || (reply_bytes = atoll(argv[1])) < 1) {
        fprintf(stderr, "usage: fixed-server BYTES, from 1 on\n");
        return 2;
    }
    memset(piece, 'w', sizeof piece);
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof at;
    if (bind(listener, (struct sockaddr *)&at, sizeof at) < 0 || listen(listener, BACKLOG) < 0) {
        perror("fixed-server: cannot listen");
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
            if (events[i].data.ptr == NULL) greet(listener);
            else answer(events[i].data.ptr);
        }
    }
}
