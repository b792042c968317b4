"""Every variable, in the order of .env.example. A new variable is one row in one of these sections."""

from typing import Any, Final

from leadswitch.env.calls import Calls
from leadswitch.env.data import DataStores, EmbeddedServers, Places
from leadswitch.env.deliveries import Deliveries
from leadswitch.env.leads import Leads, Processes, Watch
from leadswitch.env.limits import Limits
from leadswitch.env.mail import Mail
from leadswitch.env.metrics import Metrics
from leadswitch.env.notify import Notify
from leadswitch.env.outbound import Outbound
from leadswitch.env.payments import Payments
from leadswitch.env.pings import Pings
from leadswitch.env.spans import Spans
from leadswitch.env.streams import Streams
from leadswitch.env.takeover import DispatchTakeover
from leadswitch.env.tuning import DispatchTuning
from leadswitch.env.variable import Section, Variable
from leadswitch.env.web import Login, Portal, Secrets, Web

OWN_PREFIX: Final = "LEADSWITCH_"
SECTIONS: Final[tuple[type[Section], ...]] = (
    DataStores,
    Secrets,
    Web,
    Login,
    Portal,
    Processes,
    Leads,
    DispatchTuning,
    DispatchTakeover,
    Watch,
    Deliveries,
    Outbound,
    Payments,
    Streams,
    Pings,
    Calls,
    Limits,
    Metrics,
    Mail,
    Notify,
    Spans,
    EmbeddedServers,
)


class Dispatch(DispatchTuning, DispatchTakeover, Watch):
    """The numbers of the dispatch."""


class Sending(Deliveries, Outbound, Payments, Streams):
    """What is sent to buyers, and paid by them."""


class Environment(
    Places,
    Secrets,
    Web,
    Login,
    Portal,
    Processes,
    Leads,
    Dispatch,
    Sending,
    Pings,
    Calls,
    Limits,
    Metrics,
    Mail,
    Notify,
    Spans,
):
    """The whole configuration: an attribute for each variable."""


VARIABLES: Final[tuple[Variable[Any], ...]] = tuple(
    variable for section in SECTIONS for variable in section.own_variables()
)
NAMES: Final = frozenset(each.name for each in VARIABLES)
OWN_NAMES: Final = frozenset(name for name in NAMES if name.startswith(OWN_PREFIX))
RENAMED: Final = {old: each.name for each in VARIABLES for old in each.old_names}
