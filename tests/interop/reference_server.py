"""A small rebuild of the reference server, with which Wirebook must stay compatible.

    python3 reference_server.py PORT HISTORY [USER...]

One request a connection, one at a time: one recv, strip, split. It logs before anything else, answers in one write and
closes. Whatever it does not expect breaks the request (socketserver prints the traceback and closes the connection);
nothing here guards against that, because the reference server does not.
"""

import json
import socketserver
import sys
from datetime import datetime

LINK = "https://example.org/original-logbook"
HEADER = f"""{LINK}

Operations:\x20
 To delete a line, enter 1 after your username and then its number
 To read the history, enter 2 after your username
 To delete the history, enter 3 after your username
"""


class RequestHandler(socketserver.BaseRequestHandler):
    """One request."""

    def handle(self):
        data = self.request.recv(2048).strip()
        words = data.decode("utf-8").split()
        user = words[0]
        append(f"{user} from {self.client_address[0]} at {datetime.now()}")
        print(f"{self.client_address[0]} wrote: {data!r}", flush=True)
        if user not in self.server.users:
            self.request.sendall(b"Authentication error.")
            return
        response = perform(user, words[1:])
        self.request.sendall((HEADER + response).encode("utf-8"))


def perform(user, words):
    if not words:
        return ""
    return {"1": delete_line, "2": read, "3": delete_all}[words[0]](user, words[1:])


def delete_line(user, words):
    number = int(words[0])
    with open(HISTORY, encoding="utf-8") as file:
        lines = file.readlines()
    del lines[number - 1]
    with open(HISTORY, "w", encoding="utf-8") as file:
        file.writelines(lines)
    append(f"delete {number} by {user} at {datetime.now()}")
    return f"Line {number} is deleted.\n"


def read(_user, _words):
    with open(HISTORY, encoding="utf-8") as file:
        return file.read()


def delete_all(user, _words):
    with open(HISTORY, "w", encoding="utf-8") as file:
        file.write(f"delete_all by {user} at {datetime.now()}\n")
    return "All lines are deleted.\n"


def append(line):
    with open(HISTORY, "a", encoding="utf-8") as file:
        file.write(line + "\n")


class Server(socketserver.TCPServer):
    """With the reference server's backlog of 5, which is socketserver's own; only a restart on the same port is eased."""

    allow_reuse_address = True
    users = frozenset(sys.argv[3:]) or frozenset({"brick", "otter"})


if __name__ == "__main__":
    HISTORY = sys.argv[2]
    with Server(("127.0.0.1", int(sys.argv[1])), RequestHandler) as server:
        print(json.dumps({"event": "listening", "port": server.server_address[1]}), flush=True)
        server.serve_forever()
