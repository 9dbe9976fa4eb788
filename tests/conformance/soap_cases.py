"""The recorded answers of the SOAP APIs."""

from __future__ import annotations

from tests.conformance import soap
from tests.conformance.case import NEWER, NO_SESSION, Case
from tests.conformance.compare import Level
from tests.conformance.given import opportunities

XML = {"Content-Type": "text/xml; charset=UTF-8", "SOAPAction": '""'}
PARTNER = "/services/Soap/u/53.0"
METADATA = "/services/Soap/m/50.0"
BODY = "soapenv:Envelope.soapenv:Body"
SOAP_HEADER = "soapenv:Envelope.soapenv:Header"
NO_LIMIT_INFO = "the recording, of version 28, has no header; a later one has LimitInfoHeader"
USER_INFO = f"{BODY}.partner:getUserInfoResponse.partner:result"
DESCRIBE_GLOBAL = f"{BODY}.partner:describeGlobalResponse.partner:result"
CREATE_ERROR = f"{BODY}.partner:createResponse.partner:result.partner:errors"
LOGIN_RESULT = f"{BODY}.partner:loginResponse.partner:result"

SOAP = (
    Case("soap/login-success-partner-v46", Level.SHAPE, headers=XML | NO_SESSION, body=soap.login()),
    Case(
        "soap/soapforce-login-response",
        Level.SHAPE,
        headers=XML | NO_SESSION,
        body=soap.login(),
        differs={
            f"{LOGIN_RESULT}.partner:userInfo.partner:chatterExternal": NEWER,
            f"{LOGIN_RESULT}.partner:userInfo.partner:orgDefaultCurrencyLocale": NEWER,
        },
    ),
    Case(
        "soap/login-fault-invalid-login-partner-sf-prefix",
        Level.BYTES,
        headers=XML | NO_SESSION,
        body=soap.login(wrong=True),
    ),
    Case(
        "soap/login-fault-invalid-login-partner-noprefix",
        headers=XML | NO_SESSION,
        path="/services/Soap/u/53.0",
        body=soap.login(wrong=True),
        differs={
            f"{BODY}.soapenv:Fault.faultcode": "the other recording has the prefix sf:",
        },
    ),
    Case("soap/soap-fault-invalid-session-id", headers=XML, path=PARTNER, body=soap.partner("<getUserInfo/>", "stale")),
    Case(
        "soap/soapforce-get-user-info-response",
        Level.SHAPE,
        headers=XML,
        body=soap.partner("<getUserInfo/>"),
        differs={
            SOAP_HEADER: NO_LIMIT_INFO,
            f"{USER_INFO}.partner:chatterExternal": NEWER,
            f"{USER_INFO}.partner:orgDefaultCurrencyLocale": NEWER,
        },
    ),
    Case(
        "soap/soapforce-describe-global-response",
        Level.SHAPE,
        headers=XML,
        body=soap.partner("<describeGlobal/>"),
        differs={
            SOAP_HEADER: NO_LIMIT_INFO,
            **dict.fromkeys(
                [
                    f"{DESCRIBE_GLOBAL}.partner:sobjects[].partner:{one}"
                    for one in ("deepCloneable", "isInterface", "isSubtype", "mruEnabled")
                ],
                NEWER,
            ),
        },
    ),
    Case(
        "soap/soapforce-query-response",
        given=opportunities,
        headers=XML,
        body=soap.partner(f"<query><queryString>{soap.OPPORTUNITIES}</queryString></query>"),
        differs={SOAP_HEADER: NO_LIMIT_INFO},
    ),
    Case(
        "soap/soapforce-query-more-response",
        Level.SHAPE,
        headers=XML,
        body=soap.query_more,
        differs={SOAP_HEADER: NO_LIMIT_INFO},
    ),
    Case(
        "soap/soapforce-update-response",
        given=opportunities,
        headers=XML,
        body=soap.update_opportunity,
        differs={SOAP_HEADER: NO_LIMIT_INFO},
    ),
    Case(
        "soap/soapforce-create-response-failure",
        headers=XML,
        body=soap.create_with_hidden_parent,
        differs={
            SOAP_HEADER: NO_LIMIT_INFO,
            f"{CREATE_ERROR}.partner:message": "newer versions name the id that may not be referred to",
        },
    ),
    Case(
        "soap/soapforce-delete-response-failure",
        headers=XML,
        body=soap.partner("<delete><ids>006i000004DAKd</ids></delete>"),
        differs={SOAP_HEADER: NO_LIMIT_INFO},
    ),
    Case(
        "soap/soap-create-profile-field-integrity",
        Level.EXACT,
        path=PARTNER,
        headers=XML,
        body=soap.create_profile_again,
        ours=soap.uncounted,
        theirs=soap.uncounted,
        differs={
            f"{SOAP_HEADER}.partner:LimitInfoHeader.partner:limitInfo.partner:limit": "another org, another limit",
        },
    ),
    Case(
        "soap/metadata-retrieve-queued",
        headers=XML,
        path=METADATA,
        body=soap.metadata("<retrieve><retrieveRequest><apiVersion>50.0</apiVersion></retrieveRequest></retrieve>"),
    ),
    Case("soap/metadata-checkretrievestatus", Level.SHAPE, headers=XML, path=METADATA, body=soap.retrieve_status),
)
