"""Where things lie: the checkout, and whatever `hotswap` is imported from, which under tox is the installed wheel."""

from __future__ import annotations

from pathlib import Path

import hotswap

CHECKOUT = Path(__file__).resolve().parent.parent
IMPORTED = Path(str(hotswap.__file__)).resolve().parent.parent
