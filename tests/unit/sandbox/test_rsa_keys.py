"""Keys made ahead are given out once each; when they are used up, others are made."""

from __future__ import annotations

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from harness.sandbox import rsa_keys


def test_every_key_is_another() -> None:
    rsa_keys.make_ahead(1)
    made = [rsa_keys.new_key() for _ in range(2)]
    keys = [serialization.load_pem_private_key(one.encode(), password=None) for one in made]
    assert [one.key_size for one in keys if isinstance(one, rsa.RSAPrivateKey)] == [2048, 2048]
    assert made[0] != made[1]
