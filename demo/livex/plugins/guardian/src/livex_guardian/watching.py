"""What guardian sees, and has done later."""

import logging
import random

from livex_jobs import Queue

from hotswap.live import wrap

from .about import VERSION
from .jobs import LiveFire

NAMES = ("Ash", "Birch", "Cedar", "Elm", "Hazel", "Maple", "Rowan", "Willow")

log = logging.getLogger(__name__)


def watch(queue: Queue) -> None:
    """Queue one job of each kind."""
    name = random.choice(NAMES)
    number = queue.put(wrap(name), "live_roll_call")
    log.info("job %d is queued by guardian %s: is %s there?", number, VERSION, name)

    fire = LiveFire(random.randint(1, 3))
    number = queue.put(wrap(fire))
    log.info("job %d is queued by guardian %s: %s", number, VERSION, fire)
