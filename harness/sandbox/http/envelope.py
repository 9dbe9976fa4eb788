"""SOAP envelopes: reading a request without following entities, and writing answers and faults as recorded orgs do."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any
from xml.etree.ElementTree import Element, ParseError
from xml.sax.saxutils import escape

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import fromstring

from harness.sandbox.http.wire import XML_TYPE, Answer

SOAP = "http://schemas.xmlsoap.org/soap/envelope/"
XSI = "http://www.w3.org/2001/XMLSchema-instance"
XSD = "http://www.w3.org/2001/XMLSchema"
XSI_TYPE = f"{{{XSI}}}type"
XSI_NIL = f"{{{XSI}}}nil"
PARTNER = "urn:partner.soap.sforce.com"
ENTERPRISE = "urn:enterprise.soap.sforce.com"
METADATA = "http://soap.sforce.com/2006/04/metadata"
PARTNER_FAULT = "urn:fault.partner.soap.sforce.com"
MOST_BYTES = 50 * 2**20
"""The largest SOAP request (Salesforce Developer Limits, "SOAP API: maximum request size")."""
DEEPEST = 100
"""Elements inside each other: nothing that a client sends comes near it."""
_NOT_IN_XML = re.compile("[^\t\n\r -\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


class SoapFault(Exception):
    """A call that failed.

    `name` is the fault's element in the detail, `prefix` that of the fault code; `row` and `column` say where a query
    is wrong.
    """

    def __init__(
        self,
        code: str,
        message: str,
        *,
        name: str = "UnexpectedErrorFault",
        prefix: str = "sf",
        row: int | None = None,
        column: int | None = None,
    ) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message
        self.name = name
        self.prefix = prefix
        self.row = row
        self.column = column


def client_fault(message: str) -> SoapFault:
    """A request that is wrong in itself: its fault has no code of the API and no detail."""
    return SoapFault("Client", message, prefix="soapenv")


@dataclass(frozen=True, slots=True)
class Request:
    """A SOAP request: its headers by plain name, and the call."""

    headers: dict[str, Element]
    call: Element

    @property
    def operation(self) -> str:
        """The name of the call."""
        return local_name(self.call)

    @property
    def namespace(self) -> str:
        """The namespace of the call."""
        return str(self.call.tag).partition("}")[0].lstrip("{")

    def header(self, header: str, name: str) -> str:
        """The text of an element of a header, or an empty text."""
        found = self.headers.get(header)
        return text_of(found, name).strip() if found is not None else ""


def read_request(body: bytes) -> Request:
    """The headers and the call. Raises SoapFault."""
    root = envelope(body)
    header = root.find(f"{{{SOAP}}}Header")
    headers = {local_name(one): one for one in header} if header is not None else {}
    return Request(headers, _call(root))


def envelope(body: bytes) -> Element:
    """The SOAP envelope in a request. Raises SoapFault when it is none."""
    if len(body) > MOST_BYTES:
        raise SoapFault("EXCEEDED_MAX_SIZE_REQUEST", f"The request is larger than {MOST_BYTES} bytes")
    root = parse(body)
    if local_name(root) != "Envelope":
        raise client_fault("The request is no SOAP envelope")
    return root


def parse(content: bytes | str) -> Element:
    """The root of an XML document without entities, not nested too deeply. Raises SoapFault."""
    try:
        root: Element = fromstring(content)
    except (ParseError, DefusedXmlException, ValueError, LookupError) as error:
        raise client_fault(f"The request is no well-formed XML: {error}") from error
    _check_depth(root)
    return root


def _check_depth(root: Element) -> None:
    level: list[Element] = [root]
    for _ in range(DEEPEST):
        level = [child for one in level for child in one]
        if not level:
            return
    raise client_fault("The request is nested too deeply")


def operation(body: bytes) -> Element:
    """The first element in the body of the envelope: the call. Raises SoapFault."""
    return _call(envelope(body))


def _call(root: Element) -> Element:
    found = root.find(f"{{{SOAP}}}Body")
    if found is None or len(found) == 0:
        raise client_fault("The SOAP envelope has no call in its body")
    return found[0]


def local_name(element: Element) -> str:
    """The name without its namespace."""
    return str(element.tag).rpartition("}")[2]


def children(element: Element, name: str) -> list[Element]:
    """The children of that name, whatever their namespace."""
    return [child for child in element if local_name(child) == name]


def text_of(element: Element, name: str) -> str:
    """The text of the first child of that name, or an empty text."""
    return next((child.text or "" for child in element if local_name(child) == name), "")


def texts_of(element: Element, name: str) -> list[str]:
    """The texts of the children of that name."""
    return [(child.text or "").strip() for child in children(element, name)]


def is_nil(element: Element) -> bool:
    """Whether an element is `xsi:nil`."""
    return element.get(XSI_NIL, "") in ("true", "1")


def type_of(element: Element) -> str:
    """The `xsi:type` of an element without its prefix."""
    return element.get(XSI_TYPE, "").rpartition(":")[2]


def fault_answer(fault: SoapFault, *, namespace: str = PARTNER_FAULT, detailed: bool = True) -> Answer:
    """The envelope of a fault, status 500."""
    code, message = escape(fault.code), escape(fault.message)
    plain = fault.prefix != "sf"
    detail = "" if plain or not detailed else f"<detail>{_detail(fault)}</detail>"
    text = message if plain else f"{code}: {message}"
    return Answer(
        500,
        f'<?xml version="1.0" encoding="UTF-8"?><soapenv:Envelope xmlns:soapenv="{SOAP}" xmlns:sf="{namespace}" '
        f'xmlns:xsi="{XSI}"><soapenv:Body><soapenv:Fault><faultcode>{fault.prefix}:{code}</faultcode>'
        f"<faultstring>{text}</faultstring>{detail}</soapenv:Fault></soapenv:Body></soapenv:Envelope>",
        media_type=XML_TYPE,
    )


def _detail(fault: SoapFault) -> str:
    known = {"exceptionCode": fault.code, "exceptionMessage": fault.message, "row": fault.row, "column": fault.column}
    parts = "".join(element(f"sf:{name}", value) for name, value in known.items() if value is not None)
    return f'<sf:{fault.name} xsi:type="sf:{fault.name}">{parts}</sf:{fault.name}>'


def success_answer(content: str, *, namespace: str, header: str = "", prefixes: str = "") -> Answer:
    """The envelope of an answer whose body is `content`, XML already; so are its header and further namespaces."""
    declared = f'xmlns:soapenv="{SOAP}" xmlns="{namespace}"'
    declared += f' xmlns:xsi="{XSI}"' if " xsi:" in content else ""
    head = f"<soapenv:Header>{header}</soapenv:Header>" if header else ""
    return Answer(
        200,
        f'<?xml version="1.0" encoding="UTF-8"?><soapenv:Envelope {declared}{prefixes}>{head}'
        f"<soapenv:Body>{content}</soapenv:Body></soapenv:Envelope>",
        media_type=XML_TYPE,
    )


def element(name: str, value: object) -> str:
    """One XML element; None is `xsi:nil`."""
    if value is None:
        return f'<{name} xsi:nil="true"/>'
    text = str(value).lower() if isinstance(value, bool) else str(value)
    return f"<{name}>{escape(_NOT_IN_XML.sub('', text))}</{name}>"


def elements(values: Iterable[tuple[str, Any]]) -> str:
    """Elements one after the other."""
    return "".join(element(name, value) for name, value in values)
