"""Names by chance."""

import random
from string import ascii_uppercase


def some_letters() -> str:
    """Return one or two capital letters."""
    return "".join(random.choices(ascii_uppercase, k=random.randint(1, 2)))
