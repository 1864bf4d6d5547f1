/*
 * The client's side of RFC 6455, as far as load generators need it: no extensions, whole messages only, and no look at
 * Sec-WebSocket-Accept.
 */
#pragma once
#include <stdint.h>
#include <stdio.h>
#include <string.h>

enum { TEXT = 1, BINARY = 2, CLOSE = 8, PING = 9, PONG = 10 };
enum { FRAME_HEADER_BYTES_MAX = 14, HANDSHAKE_BYTES_MAX = 1024 };

/* The frame that is being received. */
struct frame {
    uint8_t header[10];
    size_t header_bytes;
    int opcode, is_in_payload;
    uint64_t payload_bytes, payload_seen;
};

/* Reads the header of a frame; returns how many bytes it took. */
static inline size_t take_header(struct frame *f, const uint8_t *data, size_t size) {
    size_t taken = 0;
    while (taken < size) {
        f->header[f->header_bytes++] = data[taken++];
        if (f->header_bytes < 2) continue;
        int length = f->header[1] & 127;
        size_t whole = length == 127 ? 10 : length == 126 ? 4 : 2;
        if (f->header_bytes < whole) continue;
        f->opcode = f->header[0] & 15;
        f->payload_bytes = whole == 2 ? (uint64_t)length : 0;
        for (size_t i = 2; i < whole; i++) f->payload_bytes = f->payload_bytes << 8 | f->header[i];
        f->payload_seen = f->header_bytes = 0;
        f->is_in_payload = 1;
        break;
    }
    return taken;
}

/* Writes a whole frame, masked as every client's frame must be (section 5.3); returns how many bytes it has. */
static inline size_t encode_frame(uint8_t *frame, int opcode, const uint8_t *payload, size_t size) {
    static uint32_t state = 2463534242u;
    uint8_t *at = frame;
    int length_bytes = size < 126 ? 0 : size < 65536 ? 2 : 8;
    *at++ = (uint8_t)(0x80 | opcode);
    *at++ = (uint8_t)(0x80 | (length_bytes == 0 ? size : length_bytes == 2 ? 126 : 127));
    for (int i = length_bytes - 1; i >= 0; i--) *at++ = (uint8_t)(size >> (8 * i));
    state ^= state << 13, state ^= state >> 17, state ^= state << 5;
    uint8_t key[4];
    memcpy(key, &state, 4);
    memcpy(at, key, 4);
    at += 4;
    for (size_t i = 0; i < size; i++) *at++ = payload[i] ^ key[i & 3];
    return (size_t)(at - frame);
}

/* Writes the request for a WebSocket; returns how many bytes it has. */
static inline size_t encode_handshake(char *request, int port, const char *path, const char *subprotocol) {
    int size = snprintf(request, HANDSHAKE_BYTES_MAX,
                        "GET %s HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
                        "Origin: http://127.0.0.1:%d\r\nSec-WebSocket-Version: 13\r\n"
                        "Sec-WebSocket-Key: d2lyZWJvb2sgb24gd2lyZQ==\r\n%s%s%s\r\n",
                        path, port, port, subprotocol ? "Sec-WebSocket-Protocol: " : "", subprotocol ? subprotocol : "",
                        subprotocol ? "\r\n" : "");
    return (size_t)size;
}

/* The answer to it, up to its empty line. */
struct handshake {
    char status[12];
    size_t status_bytes;
    int matched, is_whole;
};

/* Reads the answer; returns how many bytes it took. */
static inline size_t take_handshake(struct handshake *h, const uint8_t *data, size_t size) {
    static const char empty_line[] = "\r\n\r\n";
    for (size_t i = 0; i < size; i++) {
        if (h->status_bytes < sizeof h->status) h->status[h->status_bytes++] = (char)data[i];
        h->matched = data[i] == (uint8_t)empty_line[h->matched] ? h->matched + 1 : data[i] == '\r';
        if (h->matched < 4) continue;
        h->is_whole = 1;
        return i + 1;
    }
    return size;
}

static inline int is_accepted(const struct handshake *h) {
    return memcmp(h->status, "HTTP/1.1 101", sizeof h->status) == 0;
}
