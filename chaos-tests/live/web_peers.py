#!/usr/bin/python3
"""web_peers.py - a monitor that reads what a node tells, by another program's rules, and strangers.

  web_peers.py figures plain|open FILE            all samples, one "NAME{LABELS} VALUE" a line; fails where the
                                                  text is not as the form's definition asks for
  web_peers.py strangers PORT NUMBER              NUMBER connections that never end their handshake, garbage on
                                                  some of them, from many addresses; those that end are made
                                                  anew, until the program is ended
"""
import random
import select
import socket
import sys
import time


def figures(form, path):
    if form == "open":
        from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse
    else:
        from prometheus_client.parser import text_string_to_metric_families as parse
    with open(path, encoding="utf-8", newline="") as text:
        for family in parse(text.read()):
            if not family.documentation or family.type in ("unknown", "untyped"):
                raise ValueError(f"{family.name}: no help, or no type")
            for s in family.samples:
                labels = ",".join(f'{k}="{v}"' for k, v in sorted(s.labels.items()))
                print(f"{s.name}{{{labels}}} {s.value:g}" if labels else f"{s.name} {s.value:.17g}")


def stranger(port, chance):
    """A connection from an address that is not the node's own, and something that is no handshake."""
    s = socket.socket()
    s.setblocking(False)
    s.bind((f"127.0.1.{chance.randrange(1, 255)}", 0))
    try:
        s.connect(("127.0.0.1", port))
    except BlockingIOError:
        pass
    return s


def bad_bytes(chance):
    kind = chance.randrange(4)
    if kind == 0:
        return b""
    if kind == 1:  # the beginning of a handshake, whose rest never comes
        return bytes([22, 3, 1, 2, 0, 1, 0, 1, 252, 3, 3]) + chance.randbytes(chance.randrange(64))
    if kind == 2:
        return b"GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n"
    return chance.randbytes(chance.randrange(1, 2000))


def strangers(port, number):
    seed = time.time_ns() & 0xFFFFFFFF
    chance = random.Random(seed)
    print(f"seed {seed}", flush=True)
    poll = select.poll()
    conns = {}
    made = 0
    while True:
        while len(conns) < number:
            s = stranger(port, chance)
            conns[s.fileno()] = s
            poll.register(s.fileno(), select.POLLOUT | select.POLLIN)
            made += 1
            if made == number:
                print("all there", flush=True)
        for fd, events in poll.poll(100):
            s = conns[fd]
            if events & select.POLLOUT and not events & (select.POLLERR | select.POLLHUP):
                poll.modify(fd, select.POLLIN)
                try:
                    s.send(bad_bytes(chance))
                except OSError:
                    pass
                continue
            try:
                ended = not s.recv(4096)
            except BlockingIOError:
                ended = False
            except OSError:
                ended = True
            if ended:
                poll.unregister(fd)
                s.close()
                del conns[fd]
        time.sleep(0.01)  # so many a second, not as many as the machine can make


if sys.argv[1] == "figures":
    figures(sys.argv[2], sys.argv[3])
else:
    strangers(int(sys.argv[2]), int(sys.argv[3]))
