"""A small rebuild of the reference client: one message, one read of 2,048 bytes.

    python3 reference_client.py HOST PORT [WORD...]
"""

import socket
import sys

host, port, *words = sys.argv[1:]
data = " ".join(words)

with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as connection:
    connection.connect((host, int(port)))
    connection.sendall(bytes(data + "\n", "utf-8"))
    received = str(connection.recv(2048), "utf-8")

print(f"Sent:     {data}")
print(f"Received: {received}")
