/*
 * A client of relays from WebSocket to TCP: the messages of a WebSocket are the bytes of a connection to stream-server.
 *
 *     relay down|up PORT PATH BYTES                  carries BYTES, which are those of the server
 *     relay trips PORT PATH CONNECTIONS SECONDS      sends 64 bytes and waits until they are back, on each connection
 *
 * One epoll loop and one thread; prints one line of JSON (figures.h). Messages are masked once and sent again and again, so
 * that unmasking costs the relay what it does and masking costs nothing. The bytes that come back are counted.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>
#include "figures.h"
#include "web-socket.h"

enum { CONNECTIONS_MAX = 4096, READ_BYTES = 1 << 18, UP_BYTES = 1 << 16, TRIP_BYTES = 64 };

enum work { DOWN, UP, TRIPS };

struct relay {
    int fd, is_connected;
    struct handshake handshake;
    struct frame frame;
    uint64_t received, started_us;
    /* Of `up`: messages that are still to be sent, and where the one that is being sent stands. */
    uint64_t messages;
    size_t sent;
};

static enum work work;
static const char *path;
static int port, epoll_fd;
static uint64_t stream_bytes, start_us, end_us, trips_us;
static struct relay *all;
static uint32_t live, opened;
static uint8_t message[UP_BYTES + FRAME_HEADER_BYTES_MAX];
static size_t message_bytes;

static void die(const char *why) {
    fprintf(stderr, "relay: %s\n", why);
    exit(1);
}

static void watch(int how, struct relay *r, uint32_t events) {
    struct epoll_event event = {.events = events, .data.ptr = r};
    epoll_ctl(epoll_fd, how, r->fd, &event);
}

static void send_whole(struct relay *r, const void *data, size_t size) {
    if (send(r->fd, data, size, MSG_NOSIGNAL) != (ssize_t)size) die("the relay reads nothing any more");
}

static void send_small(struct relay *r, int opcode, const uint8_t *payload, size_t size) {
    uint8_t frame[TRIP_BYTES + FRAME_HEADER_BYTES_MAX];
    if (size > TRIP_BYTES) die("the relay pings with more than expected");
    send_whole(r, frame, encode_frame(frame, opcode, payload, size));
}

static void begin_trip(struct relay *r) {
    r->started_us = now_us();
    r->received = 0;
    send_whole(r, message, message_bytes);
}

/* Sends what the kernel takes. */
static void pour(struct relay *r) {
    while (r->messages > 0) {
        ssize_t n = send(r->fd, message + r->sent, message_bytes - r->sent, MSG_NOSIGNAL);
        if (n < 0 && errno == EAGAIN) return;
        if (n < 0) die("the relay closed the connection");
        r->sent += (size_t)n;
        if (r->sent < message_bytes) continue;
        r->sent = 0;
        r->messages--;
    }
    watch(EPOLL_CTL_MOD, r, EPOLLIN);
}

static void open_up(struct relay *r) {
    static const uint8_t services[] = {[DOWN] = 'd', [UP] = 'u', [TRIPS] = 'e'};
    if (!is_accepted(&r->handshake)) die("the relay did not take the handshake");
    start_us = r->started_us = now_us();
    send_small(r, BINARY, &services[work], 1);
    if (work == TRIPS) {
        /* The last one has opened: a relay that opens slowly loses no time. */
        end_us = start_us + trips_us;
        if (++opened == live)
            for (uint32_t i = 0; i < opened; i++) begin_trip(&all[i]);
        return;
    }
    if (work == UP) r->messages = stream_bytes / UP_BYTES;
    watch(EPOLL_CTL_MOD, r, work == UP ? EPOLLIN | EPOLLOUT : EPOLLIN);
}

/* So many bytes of the stream came. */
static void count(struct relay *r, size_t size) {
    static const uint64_t one = 1, trip = TRIP_BYTES;
    r->received += size;
    if (r->received < (work == DOWN ? stream_bytes : work == UP ? one : trip)) return;
    count_exchange(0, work == UP ? stream_bytes : r->received, r->started_us);
    if (work == TRIPS && now_us() < end_us) begin_trip(r);
    else live--;
}

static void take_frames(struct relay *r, const uint8_t *data, size_t size) {
    struct frame *f = &r->frame;
    while (size > 0 || (f->is_in_payload && f->payload_seen == f->payload_bytes)) {
        if (!f->is_in_payload) {
            size_t taken = take_header(f, data, size);
            data += taken, size -= taken;
            continue;
        }
        uint64_t left = f->payload_bytes - f->payload_seen;
        size_t taken = left < size ? (size_t)left : size;
        f->payload_seen += taken;
        f->is_in_payload = f->payload_seen < f->payload_bytes;
        if (f->opcode == CLOSE) die("the relay closed the WebSocket");
        /* Between the parts of a message no pong may go out, and a message shows as well that this end is alive. */
        if (f->opcode == PING && !f->is_in_payload && r->messages == 0) send_small(r, PONG, data, taken);
        data += taken, size -= taken;
        if (f->opcode != PING) count(r, taken);
    }
}

static void take(struct relay *r) {
    static uint8_t data[READ_BYTES];
    ssize_t n = read(r->fd, data, sizeof data);
    if (n < 0 && errno == EAGAIN) return;
    if (n <= 0) die("the relay closed the connection");
    size_t at = 0;
    if (!r->handshake.is_whole) {
        at = take_handshake(&r->handshake, data, (size_t)n);
        if (!r->handshake.is_whole) return;
        open_up(r);
    }
    take_frames(r, data + at, (size_t)n - at);
}

static void dial(struct relay *r) {
    r->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (r->fd < 0) die("there is no socket left; raise ulimit -n");
    int on = 1;
    setsockopt(r->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    if (connect(r->fd, (struct sockaddr *)&to, sizeof to) < 0 && errno != EINPROGRESS) die("cannot connect");
    watch(EPOLL_CTL_ADD, r, EPOLLIN | EPOLLOUT);
}

static void advance(struct relay *r, uint32_t events) {
    if ((events & EPOLLOUT) && !r->is_connected) {
        char request[HANDSHAKE_BYTES_MAX];
        r->is_connected = 1;
        watch(EPOLL_CTL_MOD, r, EPOLLIN);
        send_whole(r, request, encode_handshake(request, port, path, "binary"));
    } else if (events & EPOLLOUT) pour(r);
    if (events & ~(uint32_t)EPOLLOUT) take(r);
}

static int usage(void) {
    fprintf(stderr, "usage: relay down|up PORT PATH BYTES\n       relay trips PORT PATH CONNECTIONS SECONDS\n");
    return 2;
}

int main(int argc, char **argv) {
    static const char *const names[] = {"down", "up", "trips"};
    static const uint8_t zeros[UP_BYTES];
    if (argc < 5) return usage();
    while (work <= TRIPS && strcmp(names[work], argv[1]) != 0) work++;
    if (work > TRIPS || argc != (work == TRIPS ? 6 : 5)) return usage();
    port = atoi(argv[2]);
    path = argv[3];
    stream_bytes = strtoull(argv[4], NULL, 10);
    live = work == TRIPS ? (uint32_t)stream_bytes : 1;
    if (live < 1 || live > CONNECTIONS_MAX || stream_bytes < 1) return usage();
    if (work == UP && stream_bytes % UP_BYTES != 0) die("BYTES of `up` must be a multiple of 65536");
    message_bytes = encode_frame(message, BINARY, zeros, work == UP ? UP_BYTES : TRIP_BYTES);
    epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    all = calloc(live, sizeof *all);
    trips_us = (uint64_t)(work == TRIPS ? atof(argv[5]) * 1e6 : 0);
    for (uint32_t i = live; i > 0; i--) dial(&all[i - 1]);
    while (live > 0) {
        struct epoll_event events[256];
        int ready = epoll_wait(epoll_fd, events, 256, -1);
        for (int i = 0; i < ready; i++) advance(events[i].data.ptr, events[i].events);
    }
    print_figures(start_us);
    return 0;
}
