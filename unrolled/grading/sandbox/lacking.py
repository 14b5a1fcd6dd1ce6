"""Which exceptions say that the grading machine lacks something that a student's has: a package, a file, a GPU, a
network.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

GPU = re.compile(r"cuda|nvidia|\bgpus?\b|\bmps\b|\bxpu\b|\bhip\b|\btpu\b", re.IGNORECASE)
NETWORK = {
    *("URLError", "HTTPError", "gaierror", "timeout", "ConnectionError", "ConnectionRefusedError", "ConnectTimeout"),
    *("ConnectError", "MaxRetryError", "NewConnectionError", "NameResolutionError", "RemoteDisconnected", "SSLError"),
    *("LocalEntryNotFoundError", "OfflineModeIsEnabled", "ClientConnectorError", "ConnectionResetError"),
}
UNREACHABLE = re.compile(r"Network is unreachable|name resolution|Name or service not known|nodename nor servname")
OWN = re.compile(r"\bunrolled[./\\]exercises\b")
"""The exercises are kept from answers on purpose: who asks for them lacks nothing."""


def what_is_lacking(error: Mapping[str, object]) -> str | None:
    """What this machine lacks, for an exception as a result (`type` and `message`); None if it is of another kind.

    >>> what_is_lacking({"type": "ModuleNotFoundError", "message": "No module named 'einops'"})
    "what is not installed here: No module named 'einops'"
    """
    kind, message = str(error.get("type")), str(error.get("message"))
    if kind in ("ModuleNotFoundError", "ImportError"):
        return None if OWN.search(message) else f"what is not installed here: {message}"
    if kind == "FileNotFoundError":
        return None if OWN.search(message) else f"a file that is not here: {message}"
    if kind == "OSError" and "cannot open shared object file" in message:
        return f"what is not installed here: {message}"
    if kind in NETWORK or (kind == "OSError" and UNREACHABLE.search(message)):
        return f"the network: {message}"
    if kind in ("RuntimeError", "AssertionError", "AcceleratorError", "NotImplementedError") and GPU.search(message):
        first = message.splitlines()[0]
        return f"a GPU, which is not here: {first}"
    return None
