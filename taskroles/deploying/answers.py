"""Why AWS does not answer, as one sentence that says what to do about it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from botocore.exceptions import ClientError

# What AWS says of credentials, or of itself, whatever was asked: the codes, and what each of them means.
REFUSALS = {
    ("ExpiredToken", "ExpiredTokenException"): (
        "the credentials have expired ({code} in {operation}); log in again, and run this again"
    ),
    ("InvalidClientTokenId", "UnrecognizedClientException", "AuthFailure"): (
        "AWS does not know these credentials ({code}: {said}); {LOG_IN}"
    ),
    ("SignatureDoesNotMatch", "InvalidSignatureException", "IncompleteSignature", "RequestExpired"): (
        "AWS refuses the signature ({code}: {said}); see the secret key, and the clock of this machine"
    ),
    ("Throttling", "ThrottlingException", "TooManyRequestsException", "RequestLimitExceeded"): (
        "AWS has throttled {operation} however often it was tried ({code}: {said}); try again later"
    ),
    ("InternalFailure", "InternalError", "ServiceFailure", "ServiceUnavailable", "ServiceUnavailableException"): (
        "AWS itself has failed in {operation} ({code}: {said}); try again later"
    ),
}
MEANINGS = {code: meaning for codes, meaning in REFUSALS.items() for code in codes}
LONGEST_SAID = 300  # of what another program or page says

LOG_IN = "log in (`aws sso login`, `aws login`), or set AWS_PROFILE or the keys"
NETWORK = "see the network, HTTPS_PROXY and NO_PROXY, and AWS_ENDPOINT_URL if it is set"
# By the names of botocore's exceptions, the narrower before the wider ones that it is one of.
WAYS_OUT = {
    "NoCredentialsError": LOG_IN,
    "PartialCredentialsError": "write both keys, or neither",
    "NoRegionError": "set AWS_REGION, or write a region into the profile",
    "ConfigParseError": "repair this file",
    "SSLError": "if a proxy stands in between, set AWS_CA_BUNDLE to the file of its certificate",
    "ProxyConnectionError": NETWORK,
    "HTTPClientError": NETWORK,
    "ConnectionError": NETWORK,
    "UnauthorizedSSOTokenError": "run `aws sso login{profile}`",
    "SSOError": "run `aws sso login{profile}`",
    "TokenRetrievalError": "run `aws sso login{profile}`",
    "LoginError": "run `aws login{profile}`",
    "MissingDependencyException": 'run `eval "$(aws configure export-credentials{profile} --format env)"`',
    "RefreshWithMFAUnsupportedError": "start again, and a code is asked for again",
}
PROGRAMS = {
    "custom-process": "the credential_process of the profile",
    "aws-login": "the profile is an `aws login`, of which AWS CLI 2 alone can tell the credentials, and it",
}


def why(error: Exception, operation: str, profile: str | None) -> str:
    """Return why an operation has no answer."""
    flag = f" --profile {profile}" if profile else ""
    names = [each.__name__ for each in type(error).__mro__]
    said = one_line(f"{error} ({error.kwargs['error']})" if "ConfigParseError" in names else str(error)).rstrip(".")
    if "ClientError" in names:
        return refusal(error, operation)
    if "ResponseParserError" in names or type(error) is KeyError:
        return not_aws(operation, title(str(error)))
    if "CredentialRetrievalError" in names:
        return program_failed(error.kwargs["provider"], error.kwargs["error_msg"])
    if "EOFError" in names:
        return "no code of the second factor was typed"
    way_out = next((WAYS_OUT[name] for name in names if name in WAYS_OUT), "").format(profile=flag)
    if "BotoCoreError" not in names:
        said = f"{names[0]}: {said}"
    return f"{said}; {way_out}" if way_out else said


def program_failed(provider: str, said: str) -> str:
    """Return that what should give the credentials has not, with the last line that it says: the one after a trace."""
    what = PROGRAMS.get(provider, f"the provider {provider}")
    lines = [line for line in map(str.strip, said.splitlines()) if line]
    return f"{what} fails and says: {one_line(lines[-1]).rstrip('.') if lines else 'nothing'}"


def refusal(error: ClientError, operation: str) -> str:
    """Return what an error says that AWS, or something in its place, has answered with."""
    code, said = code_of(error), one_line(error.response.get("Error", {}).get("Message") or str(error))
    if is_no_code(code):
        status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode")
        return not_aws(operation, title(str(error.response)), status)
    if "MultiFactorAuthentication" in said:
        return f"the code of the second factor was not accepted ({said}); each code holds once: wait for the next"
    return MEANINGS.get(code, "{operation} ended with {code}: {said}").format(
        operation=operation, code=code, said=said, LOG_IN=LOG_IN
    )


def is_about_us(error: ClientError, operation: str) -> bool:
    """Tell whether an error that was answered says nothing of what was asked, but of our credentials or of AWS."""
    code = code_of(error)
    return code in MEANINGS or is_no_code(code) or error.operation_name != operation


def code_of(error: ClientError) -> str:
    """Return the code of an error that was answered, "Unknown" if it has none."""
    return str(error.response.get("Error", {}).get("Code") or "Unknown")


def is_no_code(code: str) -> bool:
    """Tell whether a code is none of AWS: botocore takes the HTTP status where an answer has none that it can read."""
    return code == "Unknown" or code.isdigit()


def failure_of_the_aws_cli(printed: str) -> str:
    """Return why a call of the AWS CLI failed, from what it has printed: its last line, or that AWS has not answered."""
    lines = [line for line in printed.splitlines() if line and "Waiting for" not in line]
    last = lines[-1] if lines else "it said nothing"
    unread = re.search(r"'(\w+)Result'$|\((?:Unknown|\d+)\) when calling the (\w+) operation", last)
    if unread:  # as `why` and `refusal`, whose exceptions these are
        return not_aws(unread[1] or unread[2])
    if "Unable to parse response" in printed:
        return not_aws("a call", title(printed))
    return last


def not_aws(operation: str, page: str = "", status: int | None = None) -> str:
    """Return that something in between has answered."""
    what = f"{operation} was answered by something that is not AWS"
    details = [f"HTTP status {status}"] * bool(status) + [f"its page is called {page!r}"] * bool(page)
    return what + (f" ({', '.join(details)})" if details else "") + f"; {NETWORK}"


def title(text: str) -> str:
    """Return the title of a page that stands somewhere in a text, as HTML or as botocore has taken it apart."""
    match = re.search(r"<title>(.*?)</title>|'title': '([^']*)'", text, re.IGNORECASE | re.DOTALL)
    return one_line((match[1] or match[2] or "").replace("\\n", " ")) if match else ""


def one_line(text: str) -> str:
    """Return a text on one line, cut to a length that can be read."""
    line = " ".join(text.split())
    return line if len(line) <= LONGEST_SAID else line[:LONGEST_SAID] + "..."
