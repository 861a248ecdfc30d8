#!/usr/bin/python3
"""The channel against an independent implementation of Noise (Debian: python3-dissononce), as initiator and
as responder: handshake, payloads, binding, records both ways and new keys after so many records or bytes.

    test_channel_cross.py PATH-OF-channel_peer

Exit code 77: the other implementation is not installed. EXAM_TEST_SEED gives the seed again."""
import concurrent.futures
import ctypes
import os
import random
import struct
import subprocess
import sys

try:
    from dissononce.cipher.chachapoly import ChaChaPolyCipher
    from dissononce.dh.x25519.private import PrivateKey
    from dissononce.dh.x25519.public import PublicKey
    from dissononce.dh.x25519.x25519 import X25519DH
    from dissononce.exceptions.decrypt import DecryptFailedException
    from dissononce.extras.dh.dangerous.dh_nogen import NoGenDH
    from dissononce.hash.sha256 import SHA256Hash
    from dissononce.processing.handshakepatterns.interactive.IK import IKHandshakePattern
    from dissononce.processing.impl.cipherstate import CipherState
    from dissononce.processing.impl.handshakestate import HandshakeState
    from dissononce.processing.impl.symmetricstate import SymmetricState
except ImportError as missing:
    print(f"skipped: {missing} (Debian: python3-dissononce)")
    sys.exit(77)

REKEY_RECORDS = 64 * 1024
REKEY_BYTES = 64 * 1024 * 1024
PLAIN_BYTES_MAX = 65535 - 16
NEAR_RECORDS = 256
SHORT_BYTES = 256
PEER_PAYLOAD = b"from channel_peer"
OWN_PAYLOAD = b"from the other one"


def terms(roster=7):
    """Magic, version of channels, conversation (admin) and its version, site, roster."""
    return b"SYCH" + struct.pack(">BBH", 1, 2, 1) + b"\x51" * 16 + struct.pack(">Q", roster)


class Sodium:
    """The same cipher by libsodium, many times as fast: for records far from any boundary."""

    def __init__(self):
        lib = ctypes.CDLL("libsodium.so.23")
        self.lock = lib.crypto_aead_chacha20poly1305_ietf_encrypt
        self.unlock = lib.crypto_aead_chacha20poly1305_ietf_decrypt

    def seal(self, key, counter, plain):
        out = ctypes.create_string_buffer(len(plain) + 16)
        self.lock(out, None, plain, ctypes.c_ulonglong(len(plain)), None, ctypes.c_ulonglong(0), None,
                  bytes(4) + counter.to_bytes(8, "little"), key)
        return out.raw

    def open(self, key, counter, sealed):
        out = ctypes.create_string_buffer(max(len(sealed) - 16, 1))
        assert self.unlock(out, None, None, sealed, ctypes.c_ulonglong(len(sealed)), None, ctypes.c_ulonglong(0),
                           bytes(4) + counter.to_bytes(8, "little"), key) == 0, "a record was changed"
        return out.raw[:len(sealed) - 16]


class Direction:
    """A CipherState that takes a new key when the channel does. Noise (revision 34, 4.2 and 5.1) keeps the
    first 32 bytes and lets the counter go on; this implementation keeps 48 and begins it anew.

    Its records are those around each new key, and each 64th of the rest: the others are libsodium's, under the
    key and the counter that it has."""

    sodium = Sodium()

    def __init__(self, cipher):
        self.cipher, self.counter, self.records, self.bytes, self.rekeyed = cipher, 0, 0, 0, 0

    def count(self, n):
        self.counter, self.records, self.bytes = self.counter + 1, self.records + 1, self.bytes + n
        if self.records == REKEY_RECORDS or self.bytes >= REKEY_BYTES:
            self.cipher.initialize_key(self.cipher.cipher.rekey(self.cipher._key)[:32])
            self.cipher.set_nonce(self.counter)
            self.records, self.bytes, self.rekeyed = 0, 0, self.rekeyed + 1

    def is_far(self):
        return NEAR_RECORDS < self.records < REKEY_RECORDS - NEAR_RECORDS and self.records % 64

    def seal(self, plain):
        if len(plain) < SHORT_BYTES and self.is_far():
            sealed = self.sodium.seal(self.cipher._key, self.counter, plain)
            self.cipher.set_nonce(self.counter + 1)
        else:
            sealed = self.cipher.encrypt_with_ad(b"", plain)
        self.count(len(plain))
        return sealed

    def open(self, sealed):
        if len(sealed) < SHORT_BYTES and self.is_far():
            plain = self.sodium.open(self.cipher._key, self.counter, sealed)
            self.cipher.set_nonce(self.counter + 1)
        else:
            plain = self.cipher.decrypt_with_ad(b"", sealed)
        self.count(len(plain))
        return plain


class Session:
    """A channel_peer in one role, and the other implementation in the other."""

    def __init__(self, program, chance, peer_initiates, roster=7):
        dh = X25519DH()

        def key():
            return dh.generate_keypair(PrivateKey(chance.randbytes(32)))

        self.own, self.peer, self.ephemeral = key(), key(), key()
        self.peer_initiates = peer_initiates
        self.process = subprocess.Popen(
            [program, "initiator" if peer_initiates else "responder", self.peer.private.data.hex(),
             chance.randbytes(32).hex(), self.own.public.data.hex()],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self.noise = HandshakeState(SymmetricState(CipherState(ChaChaPolyCipher()), SHA256Hash()),
                                    NoGenDH(dh, self.ephemeral.private))
        self.noise.initialize(IKHandshakePattern(), not peer_initiates, terms(roster), s=self.own,
                              rs=None if peer_initiates else PublicKey(self.peer.public.data))
        self.roster = roster

    def put(self, payload):
        self.process.stdin.write(struct.pack(">I", len(payload)) + payload)
        self.process.stdin.flush()

    def get(self):
        header = self.process.stdout.read(4)
        if len(header) < 4:
            raise EOFError(self.end())
        return self.process.stdout.read(struct.unpack(">I", header)[0])

    def end(self):
        """Ends the peer's input; its exit code and what it complained about."""
        self.process.stdin.close()
        text = self.process.stderr.read().decode()
        self.process.stdout.close()
        self.process.stderr.close()
        return self.process.wait(timeout=60), text

    def read_handshake(self, message):
        payload = bytearray()
        ciphers = self.noise.read_message(message, payload)
        assert bytes(payload) == PEER_PAYLOAD, payload
        return ciphers

    def write_handshake(self, ahead=b""):
        message = bytearray()
        ciphers = self.noise.write_message(OWN_PAYLOAD, message)
        self.put(ahead + bytes(message))
        return ciphers

    def shake_hands(self):
        if self.peer_initiates:
            hello = self.get()
            assert hello[:32] == terms(), hello[:32]
            self.read_handshake(hello[32:])
            initiator, responder = self.write_handshake()
            self.sends, self.receives = Direction(responder), Direction(initiator)
        else:
            self.write_handshake(terms(self.roster))
            initiator, responder = self.read_handshake(self.get())
            self.sends, self.receives = Direction(initiator), Direction(responder)
            self.put(self.sends.seal(b""))  # nothing comes from a responder before this
        said = self.receives.open(self.get())
        assert said[:32] == self.own.public.data, "the key that the peer met"
        assert said[32:64] == self.noise.symmetricstate.get_handshake_hash(), "the binding"
        assert said[64:] == OWN_PAYLOAD, said[64:]
        if not self.peer_initiates:
            assert self.receives.open(self.get()) == b""

    def echo(self, sizes, chance):
        """Records of these sizes go to the peer and come back, many on the way at a time."""
        pattern = chance.randbytes(PLAIN_BYTES_MAX)

        def send():
            for n in sizes:
                self.process.stdin.write(struct.pack(">I", n + 16) + self.sends.seal(pattern[:n]))
            self.process.stdin.flush()

        def receive():
            for n in sizes:
                assert self.receives.open(self.get()) == pattern[:n]

        with concurrent.futures.ThreadPoolExecutor(1) as pool:
            sent = pool.submit(self.unless_failed, send)
            self.unless_failed(receive)
            sent.result()

    def unless_failed(self, work):
        """Without the peer nobody waits for what will not come."""
        try:
            work()
        except BaseException:
            self.process.kill()
            raise


def both_understand(program, chance, peer_initiates, sizes):
    session = Session(program, chance, peer_initiates)
    session.shake_hands()
    session.echo([0, 1, 255, PLAIN_BYTES_MAX], chance)
    session.echo(sizes, chance)
    assert session.sends.rekeyed >= 1 and session.receives.rekeyed >= 1, "no boundary was crossed"
    assert session.end() == (0, ""), "the end"
    print(f"peer {'initiates' if peer_initiates else 'responds'}: {session.sends.counter} + "
          f"{session.receives.counter} records, {session.sends.rekeyed} + "
          f"{session.receives.rekeyed} new keys")


def peer_refuses(session, send, complaint):
    """The peer ends with this complaint, and says nothing more."""
    try:
        send()
        session.get()
    except (EOFError, BrokenPipeError) as refused:
        code, text = refused.args[0] if isinstance(refused, EOFError) else session.end()
        assert code == 1 and text == f"channel_peer: {complaint}\n", text
        return
    raise AssertionError(f"not refused: {complaint}")


def refusals_agree(program, chance):
    """What one implementation has bound, the other one misses."""
    why = "auth: the handshake was not sealed by and for the owners of these keys"
    session = Session(program, chance, False, roster=8)
    peer_refuses(session, lambda: session.write_handshake(terms(8)),
                 "version: the peer has a newer roster of keys than this end")
    session = Session(program, chance, False, roster=8)
    peer_refuses(session, lambda: session.write_handshake(terms(7)), why)
    session = Session(program, chance, True, roster=8)
    hello = session.get()
    try:
        session.noise.read_message(hello[32:], bytearray())
        raise AssertionError("the other implementation took a wrong prologue")
    except DecryptFailedException:
        session.end()
    session = Session(program, chance, False)
    session.shake_hands()
    record = bytearray(session.sends.seal(b"an answer"))
    record[3] ^= 1
    peer_refuses(session, lambda: session.put(bytes(record)),
                 "auth: a record was changed, missing, repeated or out of order")


def main():
    program = sys.argv[1]
    seed = int(os.environ.get("EXAM_TEST_SEED") or random.SystemRandom().getrandbits(63))
    print(f"test_channel_cross: EXAM_TEST_SEED={seed}")
    chance = random.Random(seed)
    both_understand(program, chance, True, [chance.randrange(40) for _ in range(REKEY_RECORDS + 10)])
    both_understand(program, chance, False,
                    [PLAIN_BYTES_MAX - chance.randrange(100) for _ in range(1030)])
    refusals_agree(program, chance)


if __name__ == "__main__":
    main()
