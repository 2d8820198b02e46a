"""What to do about an installer that failed, from what it says of it."""

from __future__ import annotations

import re
from typing import Final

_ONLY_WHEELS: Final = (
    "only wheels are taken: where a project has none for this interpreter, build one (pip wheel NAME) into a directory"
    " of find_links="
)
_ADVICE: Final = (
    (
        r"\b40[13]\b|Unauthorized|Forbidden",
        "the index wants a user and a password: put them into its address, https://USER:PASSWORD@HOST/..., or where"
        " the installer looks for them (netrc, keyring)",
    ),
    (
        r"connection error|Connection refused|Failed to establish|error sending request|[Dd]ns error|timed out"
        r"|Name or service not known|CERTIFICATE_VERIFY_FAILED|Could not connect",
        "the index cannot be reached: see that its address is right and that the network is there",
    ),
    (
        r"DO NOT MATCH THE HASHES|[Hh]ash mismatch",
        "what the index has is not what the lock lists: write the lock anew with hotswap lock if that is meant to be",
    ),
    (r"No sources permitted|tags \(|no usable wheels|no wheels|compatible with the current Python", _ONLY_WHEELS),
    (
        r"ResolutionImpossible|conflicting dependencies|are incompatible",
        "no versions go together: ask for other ones",
    ),
)
_NOWHERE: Final = f"see that names and versions are those of the index; {_ONLY_WHEELS}"
_TELLING: Final = re.compile(
    r"\s(Could not fetch URL .*|Skipping link: (?:No sources permitted|none of the wheel's tags) .*"
    r"|Link requires a different Python .*)"
)


def telling(log: str) -> list[str]:
    """The lines of pip's log that say why it passed over something, which it does not print."""
    return [line for line in dict.fromkeys(_TELLING.findall(log)) if ": 404 " not in line]


def advice(text: str) -> str:
    """What can be done about a failure, told from everything that the installer said."""
    return next((way_out for pattern, way_out in _ADVICE if re.search(pattern, text)), _NOWHERE)
