"""What looks like a secret, a person or an org, wherever it stands.

Each pattern is for text in which every encoding has been undone (`decoding.py`). The forms are those that Salesforce
gives its tokens, and those of the RFCs that the comments name.
"""

from __future__ import annotations

import ipaddress
import re
from base64 import b64decode
from collections.abc import Collection, Iterator

BLANK = "REDACTED"
"""What stands for a secret in a cassette."""

_VALUE = rf"(?!{BLANK}\b|\*{{3}}|(?:null|none|true|false|env|file|keyring)\b)"
"""In front of a value: it is one, neither blanked, nor nothing, nor a reference to a secret."""
_NAMED = re.compile(
    r"(?<![A-Za-z])(?:(?:access|refresh|id|oauth|security)_?token|(?:client|consumer)_?secret|(?:new_?|old_?)?password"
    r"|session_?id|(?:client_?)?assertion|private_?key|code_?verifier)"
    rf"[\"']?[ \t]*(?:[:=]|(?<!/)>)[ \t]*[\"']?{_VALUE}[^\s\"'<>&,;}}\])]{{6,}}",
    re.IGNORECASE,
)
_HEADER_OF_KEY = r"-----BEGIN (?:[A-Z0-9]+ )*PRIVATE KEY-----"

SESSION_ID = re.compile(r"(?<![A-Za-z0-9])00D[A-Za-z0-9]{12}(?:[A-Za-z0-9]{3})?(?:!|%21)[A-Za-z0-9._%-]{8,}")
WEB_TOKEN = re.compile(r"(?<![\w-])eyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]*")
CONSUMER_KEY = re.compile(r"(?<![A-Za-z0-9])3MVG9[\w.]{20,}")
REFRESH_TOKEN = re.compile(r"(?<![A-Za-z0-9])5Aep[\w.!]{20,}")
PRIVATE_KEY = re.compile(rf"{_HEADER_OF_KEY}.*?(?:-----END (?:[A-Z0-9]+ )*PRIVATE KEY-----|\Z)", re.DOTALL)
PUTTY_KEY = re.compile(r"PuTTY-User-Key-File-\d+: .*?(?:Private-MAC: *[0-9a-fA-F]+|\Z)", re.DOTALL)
BEARER = re.compile(
    rf"(?<![\w-])(?:Bearer|OAuth)[ \t]+{_VALUE}(?=[^\s\d]{{0,40}}\d)[\w!.~+/%=-]{{12,}}"  # RFC 6750: it has a digit
    rf"|(?<![\w-])Authorization[\"']?\s*[:=]\s*[\"']?(?:Bearer|OAuth|Basic|Digest)\s+{_VALUE}[^\s\"'<>]{{4,}}",
    re.IGNORECASE,
)

TOKEN_SHAPES = (
    ("a session id", SESSION_ID),
    ("a JSON Web Token", WEB_TOKEN),
    ("a consumer key", CONSUMER_KEY),
    ("a refresh token", REFRESH_TOKEN),
    ("a private key", PRIVATE_KEY),
    ("a private key", PUTTY_KEY),
    ("a bearer token", BEARER),
)
"""What can be blanked in any text, since it is a secret and nothing else."""

_SHAPES: tuple[tuple[str, str, re.Pattern[str]], ...] = (
    ("a session id", "00d", SESSION_ID),
    ("a JSON Web Token", "eyj", WEB_TOKEN),
    ("a consumer key", "3mvg9", CONSUMER_KEY),
    ("a refresh token", "5aep", REFRESH_TOKEN),
    ("a bearer token", "bearer", BEARER),
    ("a bearer token", "oauth", BEARER),
    ("a bearer token", "authorization", BEARER),
    ("a private key", "private key-----", re.compile(_HEADER_OF_KEY)),
    ("a private key", "putty-user-key-file", PUTTY_KEY),
    ("a private key", "openssh-key-v1", re.compile("openssh-key-v1")),
    ("a consumer secret", "", re.compile(r"(?<![0-9A-Za-z])(?=[0-9]*[A-F])[0-9A-F]{64}(?![0-9A-Za-z])")),
    ("a session cookie", "sid", re.compile(rf"(?<![\w-])(?:sid|SID)[ \t]*=[ \t]*\"?{_VALUE}[\w!.%+/-]{{12,}}")),
    ("a login in a URL", "otp", re.compile(rf"(?<![\w-])otp=\"?{_VALUE}[\w!.%+/-]{{12,}}")),
    (
        "a cookie",
        "cookie",
        re.compile(rf"(?<![\w-])(?:set-)?cookie[\"']?\s*:\s*[\[\"'\s-]*[\w-]+={_VALUE}[^\s;\"']{{8,}}", re.IGNORECASE),
    ),
    *(("a secret by its name", mark, _NAMED) for mark in ("token", "secret", "password", "session", "assertion")),
    *(("a secret by its name", mark, _NAMED) for mark in ("privatekey", "private_key", "verifier")),
    # RFC 3986, 3.2.1
    ("a URL with a password", "://", re.compile(rf"://[^\s/:@\"'<>]*:{_VALUE}[^\s/@\"'<>]+@")),
    (
        "a netrc entry",
        "password",
        re.compile(rf"(?<!\w)(?:machine\s+\S+|default)\s+login\s+\S+\s+(?:account\s+\S+\s+)?password\s+{_VALUE}\S+"),
    ),
    (
        "the host of an org",
        ".com",
        re.compile(
            r"(?<=[\w-])\.(?:my\.salesforce(?:-\w+)?|lightning\.force|vf\.force|visual\.force|visualforce"
            r"|documentforce|cloudforce|my\.site|salesforce-sites|salesforce-setup)\.com(?![\w-])",
            re.IGNORECASE,
        ),
    ),
    (
        "the host of an org",
        ".salesforce.com",
        re.compile(r"(?<![\w.-])[a-z]{2,4}\d+[a-z]?\.salesforce\.com(?![\w-])", re.IGNORECASE),
    ),
)
"""What it is, a mark in small letters without which it is not there, and its shape."""
_BASIC = re.compile(r"(?<![\w-])Basic[ \t]+([A-Za-z0-9+/]{8,}={0,2})(?![\w+/=])", re.IGNORECASE)  # RFC 7617

_MAIL = re.compile(r"(?<![\w.+-])[\w.+'-]{1,64}@((?:[\w-]{1,63}\.){1,8}[A-Za-z][\w-]{1,62})")
_EXAMPLES = re.compile(r"(?:.+\.)?(?:example\.(?:com|net|org)|example|invalid|test|localhost)", re.IGNORECASE)
"""Domains of RFC 2606 and 6761, which belong to nobody."""

_V4 = re.compile(r"(?<![\w.-])(?<!\w/)\d{1,3}(?:\.\d{1,3}){3}(?![\w-]|\.\d)")
"""Not behind a slash, where `Chrome/120.0.0.0` has its version."""
_V6 = re.compile(r"(?<![\w:.])(?:[0-9A-Fa-f]{1,4}:){7}[0-9A-Fa-f]{1,4}(?![\w:])")
_V6_SHORT = re.compile(r"(?<![\w:.])(?:[0-9A-Fa-f]{1,4}(?::[0-9A-Fa-f]{1,4}){0,6})?::[0-9A-Fa-f:]*(?![\w:])")
_NOBODYS = tuple(
    ipaddress.ip_network(each)
    for each in (
        *("192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24", "2001:db8::/32"),  # RFC 5737, 3849
        *("127.0.0.0/8", "::1/128", "0.0.0.0/32", "::/128", "255.255.255.255/32"),
    )
)
"""Addresses that tell nothing: those for documentation, the machine itself, none, and the end of a range of all."""

_ALGORITHM = (
    rb"(?:\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01[\x01\x0a]"  # RSA
    rb"|\x06\x07\x2a\x86\x48\xce\x3d\x02\x01|\x06\x03\x2b\x65[\x6e-\x71])"  # elliptic curves
)
_LENGTH = rb"(?:[\x10-\x7f]|\x81.|\x82..)"
_KEY_BYTES = re.compile(
    rb"\x30" + _LENGTH + rb"\x02\x01[\x00\x01]\x30.{1,2}" + _ALGORITHM  # PKCS#8, RFC 5208
    + rb"|\x30" + _LENGTH + rb"\x02\x01\x00\x02(?:\x40|\x81.|\x82..)\x00?[^\x00]"  # PKCS#1, RFC 8017
    + rb"|\x30" + _LENGTH + rb"\x02\x01\x01\x04[\x1c\x20\x30\x42]"  # EC, RFC 5915
    + rb"|\x30" + _LENGTH + rb"\x30" + _LENGTH + rb"\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x05\x0d"  # encrypted PKCS#8
    + rb"|openssh-key-v1\x00",
    re.DOTALL,
)  # fmt: skip


def is_key(content: bytes) -> bool:
    """Whether bytes hold a private key in DER or in OpenSSH's format."""
    return _KEY_BYTES.search(content) is not None


def blank_shapes(text: str) -> str:
    """The text without what looks like a secret."""
    for _, shape in TOKEN_SHAPES:
        text = shape.sub(BLANK, text)
    return text


def shapes_in(text: str, known: Collection[str] = ()) -> Iterator[str]:
    """What a decoded text holds that a cassette must not, in words; `known` addresses, in small letters, may stay."""
    small = text.lower()
    looked: set[re.Pattern[str]] = set()
    for what, mark, shape in _SHAPES:
        if shape not in looked and mark in small:
            looked.add(shape)
            if shape.search(text):
                yield f"holds what looks like {what}"
    if "basic" in small and any(_is_basic(found[1]) for found in _BASIC.finditer(text)):
        yield "holds what looks like a password"
    if "@" in text and any(_is_somebodys(found, known) for found in _MAIL.finditer(text)):
        yield "holds an e-mail address outside the domains for examples"
    shapes = (_V4, _V6, _V6_SHORT) if "::" in text else (_V4, _V6)
    if any(_is_an_address(found[0]) for shape in shapes for found in shape.finditer(text)):
        yield "holds an IP address outside the ranges for documentation"


def _is_basic(text: str) -> bool:
    try:
        return b":" in b64decode(text + "=" * (-len(text) % 4), validate=True)[1:]
    except ValueError:
        return False


def _is_somebodys(found: re.Match[str], known: Collection[str]) -> bool:
    return not _EXAMPLES.fullmatch(found[1]) and found[0].lower() not in known


def _is_an_address(text: str) -> bool:
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return False
    return not any(address in net for net in _NOBODYS)
