"""Where the models that HubSpot generates are known to be wrong about what its API sends.

Nothing else is overlooked, and each of these must be met at least once in a run: an exception that the SDK no longer
needs fails the run until it is taken out.
"""

from dataclasses import dataclass
from typing import Callable, Optional

DATED = ("2026-03", "2026-09")


@dataclass
class Known:
    """`unknown`: the wire has a field that the model lacks. `missing`: the model demands one that the wire leaves out.
    `type`: the wire has another JSON type than the model says, and the SDK converts it."""

    kind: str
    models: tuple
    field: str
    reason: str
    holds: Callable = lambda wire: True
    versions: Optional[tuple] = None
    met: bool = False

    def concerns(self, version):
        return self.versions is None or version in self.versions


KNOWN = [
    Known(
        "type",
        ("MultiAssociatedObjectWithLabel",),
        "toObjectId",
        "the far id of an association is a JSON number; the description calls it a string",
        holds=lambda wire: type(wire) is int,
    ),
    Known(
        "type",
        ("LabelsBetweenObjectPair",),
        "fromObjectId",
        "the ids of a labelled pair have been recorded as JSON numbers; the description calls them strings",
        holds=lambda wire: type(wire) is int,
    ),
    Known(
        "type",
        ("LabelsBetweenObjectPair",),
        "toObjectId",
        "as for fromObjectId",
        holds=lambda wire: type(wire) is int,
    ),
    Known(
        "missing",
        ("StandardError",),
        "links",
        "an error of a batch item has been recorded with status, category, message and context only",
    ),
    Known("missing", ("StandardError",), "errors", "as for links"),
    Known(
        "missing",
        ("StandardError",),
        "context",
        "the error item of an id that is no id has been recorded without context",
    ),
    Known(
        "unknown",
        ("Error",),
        "status",
        'every error body begins with "status":"error"; the description leaves it out',
        holds=lambda wire: wire == "error",
    ),
    Known(
        "missing",
        ("Error",),
        "category",
        "404s of numeric ids, 400s of unknown object types and documented 429s have no category",
    ),
    Known(
        "unknown",
        ("Error",),
        "errorType",
        "the documented 429 has errorType instead of category",
        holds=lambda wire: wire == "RATE_LIMIT",
    ),
    Known("unknown", ("Error",), "policyName", "the documented 429 names the limit"),
    Known("unknown", ("Error",), "requestId", "the documented 429 names the request"),
    Known(
        "unknown",
        ("SimplePublicObject", "SimplePublicObjectWithAssociations", "SimplePublicUpsertObject"),
        "url",
        "date-based versions add the address of the record in the CRM; the SDK has the models of v3",
        versions=DATED,
    ),
    Known(
        "unknown",
        ("SimplePublicObject",),
        "warnings",
        "2026-09 says which values it rewrote; the SDK has the models of v3",
        versions=("2026-09",),
    ),
    Known(
        "unknown",
        ("ModelProperty",),
        "dataSensitivity",
        "the properties API sends it; the model of this SDK version does not have it",
    ),
]
