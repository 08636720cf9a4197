"""
Error replies that each bundled service documents, or that its users reported, and what each means.

Each group names its source. The messages are shortened.
"""

from __future__ import annotations

from .clouds import CLOUDS
from .gateways import GATEWAYS
from .hosts import HOSTS
from .makers import MAKERS
from .own_servers import OWN_SERVERS
from .told import Told

REPLIES: dict[str, list[Told]] = {**MAKERS, **HOSTS, **GATEWAYS, **CLOUDS, **OWN_SERVERS}
"""By provider."""
