"""The socket that the command line talks to: a host serves it, a client asks.

ControlClient --Request--> control.sock --> ControlServer --> answers --> PluginManager
              <--reply---
"""

from .client import ControlClient, NoHostError
from .exits import Exit, RemoteError
from .server import ControlServer

__all__ = ["ControlClient", "ControlServer", "Exit", "NoHostError", "RemoteError"]
