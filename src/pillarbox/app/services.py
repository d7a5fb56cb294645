"""The network services of a worker: for each listener, its protocol, its handlers, its limits and its TLS."""

from collections.abc import Callable
from typing import NamedTuple

from pillarbox.app.build import Parts
from pillarbox.net.limits import Limits
from pillarbox.net.pump import Service
from pillarbox.net.tls import ServerTls
