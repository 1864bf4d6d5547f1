/*
 * A load generator for exchanges over TCP, and over bridges from WebSocket to TCP (the client's side of RFC 6455, without
 * TLS).
 *
 *     load FRAMING PORT EXCHANGES SECONDS MESSAGE [TARGET-PORT | line | fin]
 *     load idle PORT COUNT PATH [SUBPROTOCOL]
 *
 * FRAMING says how exchanges are carried:
 *
 *     tcp         a connection for each exchange, which the server's FIN ends; with "line" the first line of the reply ends
 *                 it, for services that leave the closing to their client; with "fin" FIN follows each message
 *     wirebook    one WebSocket; a text frame begins an exchange, byte frames carry its reply, and a text frame ends it [G-2]
 *     bare        one WebSocket; four bytes of id (big-endian), then bytes; a frame of the id alone is the end
 *     wisp        one WebSocket; Wisp 1: CONNECT and DATA, then DATA until CLOSE; the target is the client's to name
 *     alone       a WebSocket for each exchange, whose end is the exchange's
 *
 * It keeps EXCHANGES in flight on one epoll loop and one thread, so that the program under load and not the generator is
 * the bottleneck, and prints one line of JSON (figures.h). Latency is the time from the frame (of `tcp` and `alone`: from
 * connect()) to the end of the exchange. An exchange that ends in a reset or without a byte of reply is an error.
 *
 * A connection that this end closes first leaves its port in TIME-WAIT, and 28,000 ports of one address, each usable
 * again after a second or so, allow some 14,000 exchanges a second and no more. So `tcp` connects from several addresses of
 * 127.0.0.0/8 in turn.
 *
 * `idle` opens so many WebSockets, prints a line of JSON when they are open, answers pings, and ends on SIGTERM. It uses
 * several addresses of loopback to stay below limits for one address.
 *
 * Deliberately absent: a look at the bytes of the replies. It counts them.
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

enum {
    EXCHANGES_MAX = 4096,
    READ_BYTES = 1 << 18,
    HEAD_BYTES = 256,
    FRAME_BYTES_MAX = 1024,
    OUT_BYTES = 1 << 20,
    OUT_BYTES_ALONE = 2 * FRAME_BYTES_MAX,
    PER_ADDRESS = 1000,
    SOURCES = 16,
    GRACE_US = 30000000,
    BYTE_FRAME_HEADER_BYTES = 16,
    BYTE_FRAME_DATA = 1,
};

enum framing { TCP, WIREBOOK, BARE, WISP, ALONE, IDLE };

struct exchange {
    uint32_t id;
    uint64_t started_us;
    uint64_t received;
};

/* A WebSocket, or a TCP connection. The first HEAD_BYTES of a frame's payload are kept: what decides stands there. */
struct ws {
    int fd, is_connected, is_open, is_over;
    struct handshake handshake;
    struct frame frame;
    size_t head_bytes;
    char head[HEAD_BYTES + 1];
    char *out;
    size_t out_bytes;
    struct exchange alone;
};

static enum framing framing;
static const char *path = "/", *subprotocol, *message;
static int port, target_port;
static uint64_t end_us;
static int epoll_fd, live;
static struct exchange *exchanges;
static uint32_t exchange_count;
static size_t out_bytes_max = OUT_BYTES;
static int ends_at_line, sends_fin;

static void die(const char *why) {
    fprintf(stderr, "load: %s\n", why);
    exit(1);
}

/* ---- what is sent */

static void flush(struct ws *w) {
    size_t sent = 0;
    while (sent < w->out_bytes) {
        ssize_t n = send(w->fd, w->out + sent, w->out_bytes - sent, MSG_NOSIGNAL);
        if (n < 0 && errno == EAGAIN) break;
        if (n < 0) {
            w->is_over = 1;
            break;
        }
        sent += (size_t)n;
    }
    memmove(w->out, w->out + sent, w->out_bytes - sent);
    w->out_bytes -= sent;
    /* Requests are answered at once or the generator has nothing to do; waiting for writability is not worth a state. */
}

static void put(struct ws *w, const void *data, size_t size) {
    if (w->out_bytes + size > out_bytes_max) die("the bridge reads nothing any more");
    memcpy(w->out + w->out_bytes, data, size);
    w->out_bytes += size;
}

/* A whole frame of at most FRAME_BYTES_MAX bytes. */
static void put_frame(struct ws *w, int opcode, const void *payload, size_t size) {
    uint8_t frame[FRAME_BYTES_MAX + FRAME_HEADER_BYTES_MAX];
    put(w, frame, encode_frame(frame, opcode, payload, size));
}

static void put_little(uint8_t *at, uint32_t value, int size) {
    for (int i = 0; i < size; i++) at[i] = (uint8_t)(value >> (8 * i));
}

static void begin(struct ws *w, struct exchange *x) {
    uint8_t payload[FRAME_BYTES_MAX];
    size_t message_bytes = strlen(message);
    x->id += exchange_count;
    x->started_us = now_us();
    x->received = 0;
    if (framing == WIREBOOK) {
        int size = snprintf((char *)payload, sizeof payload, "{\"type\":\"request\",\"id\":%u,\"user\":\"%s\"}", x->id, message);
        put_frame(w, TEXT, payload, (size_t)size);
    } else if (framing == BARE) {
        uint32_t id = htonl(x->id);
        memcpy(payload, &id, 4);
        memcpy(payload + 4, message, message_bytes);
        put_frame(w, BINARY, payload, 4 + message_bytes);
    } else if (framing == WISP) {
        payload[0] = 1;
        put_little(payload + 1, x->id, 4);
        payload[5] = 1;
        put_little(payload + 6, (uint32_t)target_port, 2);
        memcpy(payload + 8, "127.0.0.1", 9);
        put_frame(w, BINARY, payload, 17);
        payload[0] = 2;
        memcpy(payload + 5, message, message_bytes);
        put_frame(w, BINARY, payload, 5 + message_bytes);
    }
}

/* ---- what is received */

static struct exchange *exchange_of(uint32_t id) {
    struct exchange *x = &exchanges[id % exchange_count];
    return x->id == id ? x : NULL;
}

static void end_exchange(struct ws *w, uint32_t id, int is_error) {
    struct exchange *x = exchange_of(id);
    if (x == NULL) die("the end of an exchange came that does not run");
    count_exchange(is_error, x->received, x->started_us);
    if (now_us() < end_us) begin(w, x);
    else live--;
}

static void count_bytes(uint32_t id, uint64_t size) {
    struct exchange *x = exchange_of(id);
    if (x != NULL) x->received += size;
}

static void take_wirebook(struct ws *w) {
    uint32_t id;
    if (w->frame.opcode == BINARY) {
        /* Kind 1 carries bytes of the target behind a header of 16. */
        memcpy(&id, w->head + 4, 4);
        if (w->head[0] == 1) count_bytes(ntohl(id), w->frame.payload_bytes - 16);
        return;
    }
    int is_end = strstr(w->head, "\"type\":\"end\"") != NULL, is_error = strstr(w->head, "\"type\":\"error\"") != NULL;
    const char *at = strstr(w->head, "\"id\":");
    if (!is_end && !is_error) return;
    if (at == NULL || at[5] == 'n') die(w->head);
    if (is_error) fprintf(stderr, "load: %s\n", w->head);
    end_exchange(w, (uint32_t)strtoul(at + 5, NULL, 10), is_error);
}

static void take_bare(struct ws *w) {
    uint32_t id;
    memcpy(&id, w->head, 4);
    if (w->frame.payload_bytes == 4) end_exchange(w, ntohl(id), 0);
    else count_bytes(ntohl(id), w->frame.payload_bytes - 4);
}

static void take_wisp(struct ws *w) {
    const uint8_t *at = (const uint8_t *)w->head;
    uint32_t id = at[1] | (uint32_t)at[2] << 8 | (uint32_t)at[3] << 16 | (uint32_t)at[4] << 24;
    if (at[0] == 2) count_bytes(id, w->frame.payload_bytes - 5);
    else if (at[0] == 4) end_exchange(w, id, at[5] != 2);
}

static void take_frame(struct ws *w) {
    w->head[w->head_bytes] = 0;
    if (w->frame.opcode == PING) put_frame(w, PONG, w->head, w->head_bytes);
    else if (w->frame.opcode == CLOSE) w->is_over = 1;
    else if (w->frame.opcode == PONG || framing == IDLE) return;
    else if (framing == WIREBOOK) take_wirebook(w);
    else if (framing == BARE) take_bare(w);
    else if (framing == WISP) take_wisp(w);
    else w->alone.received += w->frame.payload_bytes;
}

static void take_frames(struct ws *w, const uint8_t *data, size_t size) {
    struct frame *f = &w->frame;
    while (!w->is_over && (size > 0 || (f->is_in_payload && f->payload_seen == f->payload_bytes))) {
        if (!f->is_in_payload) {
            size_t taken = take_header(f, data, size);
            data += taken, size -= taken;
            w->head_bytes = 0;
            continue;
        }
        uint64_t left = f->payload_bytes - f->payload_seen;
        size_t taken = left < size ? (size_t)left : size, room = HEAD_BYTES - w->head_bytes;
        memcpy(w->head + w->head_bytes, data, taken < room ? taken : room);
        w->head_bytes += taken < room ? taken : room;
        f->payload_seen += taken;
        data += taken, size -= taken;
        if (f->payload_seen < f->payload_bytes) continue;
        f->is_in_payload = 0;
        take_frame(w);
    }
}

static void open_up(struct ws *w) {
    w->is_open = 1;
    if (framing == ALONE) put_frame(w, BINARY, message, strlen(message));
    else
        for (uint32_t i = 0; framing != IDLE && i < exchange_count; i++) begin(w, &exchanges[i]);
}

/* Reads the answer to the handshake; returns how many bytes it took. */
static size_t take_answer(struct ws *w, const uint8_t *data, size_t size) {
    size_t taken = take_handshake(&w->handshake, data, size);
    if (!w->handshake.is_whole) return taken;
    if (!is_accepted(&w->handshake)) die("the bridge did not take the handshake");
    open_up(w);
    return taken;
}

/* Of TCP; a connection counts as open once its reply is whole. */
static void take_reply(struct ws *w, const uint8_t *data, size_t size) {
    w->alone.received += size;
    if (ends_at_line && memchr(data, '\n', size)) w->is_open = w->is_over = 1;
}

static void take(struct ws *w) {
    static uint8_t data[READ_BYTES];
    while (!w->is_over) {
        ssize_t n = read(w->fd, data, sizeof data);
        if (n < 0 && errno == EAGAIN) return;
        if (n <= 0) {
            w->is_over = 1;
            if (framing == TCP) w->is_open = n == 0 && !ends_at_line;
            return;
        }
        if (framing == TCP) {
            take_reply(w, data, (size_t)n);
            continue;
        }
        size_t at = w->is_open ? 0 : take_answer(w, data, (size_t)n);
        if (w->is_open) take_frames(w, data + at, (size_t)n - at);
        if (w->out_bytes > 0) flush(w);
    }
}

/* ---- connections */

static void dial(struct ws *w, uint32_t number) {
    char *out = w->out ? w->out : malloc(out_bytes_max);
    *w = (struct ws){.out = out, .alone.started_us = now_us()};
    w->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (w->fd < 0) die("there is no socket left; raise ulimit -n");
    int on = 1;
    setsockopt(w->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    if (framing == IDLE || framing == TCP) {
        static uint32_t turn;
        uint32_t source = framing == TCP ? turn++ % SOURCES : number / PER_ADDRESS;
        struct sockaddr_in from = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK + source)};
        /* The port is left to connect(), which may then choose one per target. */
        setsockopt(w->fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof on);
        if (bind(w->fd, (struct sockaddr *)&from, sizeof from) < 0) die("cannot bind to loopback");
    }
    if (connect(w->fd, (struct sockaddr *)&to, sizeof to) < 0 && errno != EINPROGRESS) die("cannot connect");
    struct epoll_event event = {.events = EPOLLIN | EPOLLOUT, .data.ptr = w};
    epoll_ctl(epoll_fd, EPOLL_CTL_ADD, w->fd, &event);
}

/* A connection has ended: one that was an exchange is counted and begun anew; any other must not end. */
static void bury(struct ws *w) {
    close(w->fd);
    if (framing != ALONE && framing != TCP) {
        int is_told = w->frame.opcode == CLOSE && w->head_bytes >= 2;
        int code = is_told ? (uint8_t)w->head[0] << 8 | (uint8_t)w->head[1] : 1006;
        fprintf(stderr, "load: the bridge closed the WebSocket: %d %s\n", code, is_told ? w->head + 2 : "");
        exit(1);
    }
    count_exchange(!w->is_open, w->alone.received, w->alone.started_us);
    if (now_us() < end_us) dial(w, 0);
    else live--;
}

static void advance(struct ws *w, uint32_t events) {
    if (!w->is_connected && (events & EPOLLOUT)) {
        w->is_connected = 1;
        struct epoll_event event = {.events = EPOLLIN, .data.ptr = w};
        epoll_ctl(epoll_fd, EPOLL_CTL_MOD, w->fd, &event);
        if (framing == TCP) put(w, message, strlen(message));
        else {
            char request[HANDSHAKE_BYTES_MAX];
            put(w, request, encode_handshake(request, port, path, subprotocol));
        }
        flush(w);
        if (sends_fin) shutdown(w->fd, SHUT_WR);
    }
    if (events & ~(uint32_t)EPOLLOUT) take(w);
    if (w->is_over) bury(w);
}

static void turn(int wait_ms) {
    struct epoll_event events[256];
    int ready = epoll_wait(epoll_fd, events, 256, wait_ms);
    for (int i = 0; i < ready; i++) advance(events[i].data.ptr, events[i].events);
}

static _Noreturn void stay_idle(uint32_t count) {
    struct ws *all = calloc(count, sizeof *all);
    for (uint32_t i = 0; i < count; i++) {
        dial(&all[i], i);
        while (!all[i].is_open) turn(1000);
    }
    printf("{\"event\":\"open\",\"count\":%u}\n", count);
    fflush(stdout);
    for (;;) turn(-1);
}

static int usage(void) {
    fprintf(stderr, "usage: load tcp|wirebook|bare|wisp|alone PORT EXCHANGES SECONDS MESSAGE [TARGET-PORT|line|fin]\n"
                    "       load idle PORT COUNT PATH [SUBPROTOCOL]\n");
    return 2;
}

int main(int argc, char **argv) {
    static const char *const names[] = {"tcp", "wirebook", "bare", "wisp", "alone", "idle"};
    if (argc < 5) return usage();
    while (framing <= IDLE && strcmp(names[framing], argv[1]) != 0) framing++;
    port = atoi(argv[2]);
    exchange_count = (uint32_t)atoi(argv[3]);
    epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    int is_single = framing == TCP || framing == ALONE; /* A connection carries a single exchange. */
    if (is_single || framing == IDLE) out_bytes_max = OUT_BYTES_ALONE;
    if (framing == IDLE) {
        path = argv[4];
        subprotocol = argc > 5 ? argv[5] : NULL;
        stay_idle(exchange_count);
    }
    if (framing > IDLE || argc < 6 || exchange_count < 1 || exchange_count > EXCHANGES_MAX) return usage();
    message = argv[5];
    if (strlen(message) > FRAME_BYTES_MAX / 2) die("the message is over the limit of 512 bytes");
    target_port = argc > 6 ? atoi(argv[6]) : 0;
    ends_at_line = framing == TCP && argc > 6 && strcmp(argv[6], "line") == 0;
    sends_fin = framing == TCP && argc > 6 && strcmp(argv[6], "fin") == 0;
    if (framing == WIREBOOK) path = "/ws", subprotocol = "wirebook.v2";
    exchanges = calloc(exchange_count, sizeof *exchanges);
    for (uint32_t i = 0; i < exchange_count; i++) exchanges[i].id = i;
    uint32_t sockets = is_single ? exchange_count : 1;
    struct ws *all = calloc(sockets, sizeof *all);
    uint64_t start = now_us();
    end_us = start + (uint64_t)(atof(argv[4]) * 1e6);
    live = (int)exchange_count;
    for (uint32_t i = 0; i < sockets; i++) dial(&all[i], 0);
    while (live > 0) {
        turn(1000);
        /* What still hangs long after the end is an error, not a reason to wait forever. */
        if (now_us() < end_us + GRACE_US) continue;
        errors += (uint64_t)live;
        break;
    }
    print_figures(start);
    return 0;
}
