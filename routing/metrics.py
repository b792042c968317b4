"""Prometheus names of routing. Labels never carry a tenant, lead or buyer."""

from prometheus_client import Counter, Histogram

LEADS_RECEIVED = Counter("leadswitch_leads_received_total", "Leads taken in.", ["channel"])
LEADS_REJECTED = Counter(
    "leadswitch_leads_rejected_total", "Leads refused because of their content.", ["channel"]
)
WAKES_SENT = Counter("leadswitch_wakes_sent_total", "Leads handed to the workers right after intake.")
WAKES_LOST = Counter(
    "leadswitch_wakes_lost_total",
    "Wake-ups that could not be sent; the pick-up finds their leads.",
    ["cause"],
)
INLINE_DECISIONS_FAILED = Counter(
    "leadswitch_inline_decisions_failed_total",
    "Leads whose decision failed while the sender waited; the pick-up finds them.",
    ["cause"],
)
REQUESTS_REFUSED = Counter(
    "leadswitch_requests_refused_total",
    "Requests of API keys, and of people at the desk, that came faster than they may.",
    ["kind"],
)
RATE_LIMITS_UNCHECKED = Counter(
    "leadswitch_rate_limits_unchecked_total",
    "Requests that passed uncounted because Redis did not answer.",
    ["cause"],
)
RULES_SECONDS = Histogram(
    "leadswitch_routing_rules_seconds",
    "Following the rules of one lead, compiling them included where they had changed.",
    buckets=(0.00001, 0.00003, 0.0001, 0.0003, 0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1),
)
PLANS_COMPILED = Counter(
    "leadswitch_routing_plans_compiled_total", "Rules of a workspace read and compiled, as they had changed."
)
LEADS_ROUTED = Counter(
    "leadswitch_leads_routed_total", "Attempts whose lead was sent on by rules, by how many.", ["hops"]
)
DUPLICATES = Counter(
    "leadswitch_duplicates_total",
    "Leads that are duplicates, by where the first one is: resend, workspace, partner.",
    ["kind"],
)
