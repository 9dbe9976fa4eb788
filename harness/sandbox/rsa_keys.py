"""RSA private keys. Finding one takes a tenth of a second, so a server that starts has some found meanwhile."""

from __future__ import annotations

from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

_BITS = 2048

_ahead: deque[Future[str]] = deque()


def make_ahead(count: int) -> None:
    """Begin to make keys on another thread; OpenSSL does not hold up this one."""
    maker = ThreadPoolExecutor(max_workers=1, thread_name_prefix="rsa-keys")
    _ahead.extend(maker.submit(_new) for _ in range(count))
    maker.shutdown(wait=False)


def new_key() -> str:
    """A key that nobody else has, as PKCS#8 PEM."""
    try:
        ready = _ahead.popleft()
    except IndexError:
        return _new()
    return ready.result()


def _new() -> str:
    key = rsa.generate_private_key(public_exponent=65537, key_size=_BITS)
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode()
