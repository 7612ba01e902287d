#!/usr/bin/env python3
"""The protocol once more, in another language: a peer that the index is compared with.

It is written from the text of `protocol.md` alone, and shares nothing with the crate: no parser, no framing,
no index. It needs Python 3 and its standard library. It is for tests: its lists are searched from end to end.

    peer.py                          conversations on stdin, replies on stdout
    peer.py --listen 127.0.0.1:0     a server, whose address is its first line of output
    peer.py --max-line-bytes COUNT   the longest line, LF included, in either case

On stdin a conversation is a row of chunks. A chunk is its length, four bytes with the highest first, and so
many bytes of the client's stream. A chunk of length 0 is the end of the stream. Only then are there answers:
for each chunk, in order, a byte that tells whether the conversation is over (1 or 0), the length of the
replies, and the replies. Each conversation begins with nothing indexed.
"""

import argparse
import re
import socketserver
import struct
import sys
import threading

NAME = rb"[A-Za-z0-9+\-._@/]{1,255}"
MESSAGE = re.compile(
    rb"(INDEX|REMOVE|QUERY)\|(%b)\|((?:%b(?:,%b)*,?)?)" % (NAME, NAME, NAME)
)
VERSION = rb"HTTP/[0-9]+(?:\.[0-9]+)?"
# What a version may begin with.
CUT_VERSION = rb"(?:H(?:T(?:T(?:P(?:/(?:[0-9]+(?:\.[0-9]*)?)?)?)?)?)?)?"
REQUEST_LINE = re.compile(rb"[A-Z]+ [\x21-\x7e\x80-\xff]+ %b" % VERSION)
CUT_REQUEST_LINE = re.compile(
    rb"[A-Z]+ (?:[\x21-\x7e\x80-\xff]+(?: (?:%b|%b\r))?)?" % (CUT_VERSION, VERSION)
)
OK, FAIL, ERROR = b"OK\n", b"FAIL\n", b"ERROR\n"


class Packages:
    """What is indexed, and what each package depends on."""

    def __init__(self):
        self.lists = {}

    def index(self, package, names):
        if not all(name in self.lists for name in names):
            return FAIL
        self.lists[package] = frozenset(names)
        return OK

    def remove(self, package):
        needed = any(package in names for other, names in self.lists.items() if other != package)
        if package in self.lists and needed:
            return FAIL
        self.lists.pop(package, None)
        return OK

    def query(self, package):
        return OK if package in self.lists else FAIL

    def answer(self, line):
        """The reply to a line without its end."""
        message = MESSAGE.fullmatch(line)
        if message is None:
            return ERROR
        command, package, text = message.groups()
        if command == b"INDEX":
            return self.index(package, [name for name in text.split(b",") if name])
        return self.remove(package) if command == b"REMOVE" else self.query(package)


class Conversation:
    """The stream of one client, byte after byte."""

    def __init__(self, packages, limit):
        self.packages = packages
        self.limit = limit
        self.line = bytearray()
        self.is_discarding = False
        self.is_first = True
        self.is_over = False

    def receive(self, chunk):
        """The replies that are due after some more bytes."""
        replies = []
        begin = 0
        while begin < len(chunk) and not self.is_over:
            end = chunk.find(b"\n", begin) + 1 or len(chunk)
            self.take(chunk[begin:end], replies)
            begin = end
        return b"".join(replies)

    def take(self, piece, replies):
        """Takes bytes of which at most the last is LF."""
        is_whole = piece.endswith(b"\n")
        if not self.is_discarding:
            self.line += piece
            if len(self.line) - is_whole >= self.limit:
                replies.append(ERROR)
                cut = CUT_REQUEST_LINE.fullmatch(self.line[: self.limit])
                self.is_over = self.is_first and cut is not None
                self.is_discarding, self.is_first = True, False
                self.line.clear()
            elif is_whole:
                replies.append(self.answer(bytes(self.line[:-1])))
                self.line.clear()
        if is_whole:
            self.is_discarding = False

    def answer(self, line):
        if line.endswith(b"\r"):
            line = line[:-1]
        is_first, self.is_first = self.is_first, False
        if is_first and REQUEST_LINE.fullmatch(line):
            self.is_over = True
            return ERROR
        return self.packages.answer(line)


def read(count):
    """So many bytes of stdin, or None at its end."""
    found = sys.stdin.buffer.read(count)
    return found if len(found) == count else None


def converse(limit):
    """Serves the conversations on stdin, one after the other."""
    conversation, answers = Conversation(Packages(), limit), []
    while (head := read(4)) is not None:
        (length,) = struct.unpack(">I", head)
        chunk = read(length)
        if chunk is None:
            return
        replies = conversation.receive(chunk)
        answers.append(struct.pack(">BI", conversation.is_over, len(replies)) + replies)
        if length == 0:
            sys.stdout.buffer.write(b"".join(answers))
            sys.stdout.buffer.flush()
            conversation, answers = Conversation(Packages(), limit), []


class Server(socketserver.ThreadingTCPServer):
    """A server whose clients share what is indexed. One of them is answered at a time."""

    allow_reuse_address = True
    daemon_threads = True
    request_queue_size = 1024

    def __init__(self, address, limit):
        super().__init__(address, Client)
        self.packages, self.limit, self.lock = Packages(), limit, threading.Lock()

    def handle_error(self, request, client_address):
        """A client that breaks off is nobody's trouble."""
        if not isinstance(sys.exc_info()[1], OSError):
            super().handle_error(request, client_address)


class Client(socketserver.BaseRequestHandler):
    """One connection."""

    def handle(self):
        conversation = Conversation(self.server.packages, self.server.limit)
        while not conversation.is_over and (chunk := self.request.recv(1 << 16)):
            with self.server.lock:
                replies = conversation.receive(chunk)
            self.request.sendall(replies)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--listen", metavar="HOST:PORT", help="serve TCP instead of stdin")
    parser.add_argument("--max-line-bytes", type=int, default=65536, metavar="COUNT")
    arguments = parser.parse_args()
    if arguments.listen is None:
        return converse(arguments.max_line_bytes)
    host, _, port = arguments.listen.rpartition(":")
    with Server((host, int(port)), arguments.max_line_bytes) as server:
        print("%s:%d" % server.server_address, flush=True)
        server.serve_forever()


if __name__ == "__main__":
    main()
