"""One pulse of the program."""

from trine_contracts import Meanwhile, Said

from trine_gamma.chance import some_letters, some_vector

from .about import NAME, VERSION
from .needs import needs


def pulse(meanwhile: Meanwhile | None = None) -> list[Said]:
    """Ask beta something, and return what everybody said to it.

    Args:
        meanwhile: Called in the middle of the pulse.
    """
    said = [Said(NAME, VERSION, "pulse")]
    if meanwhile is not None:
        meanwhile()
    said += needs.beta.two(some_letters(), some_vector(), some_letters(), some_vector())
    if needs.delta is not None:
        said.append(needs.delta.three(said))
    return said
