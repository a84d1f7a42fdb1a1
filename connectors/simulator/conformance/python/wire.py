"""What went over the wire, and whether the SDK's typed object holds all of it."""

import datetime
import importlib
import json
import re
import time

from known import KNOWN
from hubspot.discovery.discovery_base import DiscoveryBase

# Seconds between two calls: HubSpot allows five searches a second and 190 other calls in ten seconds.
PACE = {"search": 0.215, "other": 0.058}


class Wire:
    """Stands below the SDK, where it calls urllib3: keeps the last answer as it came, paces, and can move the paths.

    `v3` sends calls where the SDK addresses them; a date, where that version has them: `/crm/objects/{date}/…`.
    """

    def __init__(self, version):
        self.version = version
        self.paced = True
        self.calls = 0
        self.free = {"search": 0.0, "other": 0.0}

    def api_factory(self, package, name, config):
        """The SDK's own hook for making API objects."""
        api = DiscoveryBase._default_api_factory(package, name, config)
        pool = api.api_client.rest_client.pool_manager
        send = pool.request
        pool.request = lambda method, url, **more: self.record(send(method, self.address(url), **more))
        return api

    def address(self, url):
        self.pause("search" if "/search" in url else "other")
        if self.version == "v3":
            return url
        url = re.sub(r"/crm/v[34]/(objects|associations|properties|pipelines|owners)", rf"/crm/\1/{self.version}", url)
        return re.sub(r"/(crm-object-schemas|account-info)/v3/", rf"/\1/{self.version}/", url)

    def record(self, answer):
        self.status, self.headers, self.text = answer.status, dict(answer.headers), answer.data.decode()
        self.calls += 1
        return answer

    @property
    def json(self):
        return json.loads(self.text)

    def pause(self, lane):
        if not self.paced:
            return
        now = time.monotonic()
        start = max(now, self.free[lane])
        self.free[lane] = start + PACE[lane]
        time.sleep(start - now)


class Comparison:
    """One walk over an answer: every field of the wire must be held, with its value, where the model says."""

    def __init__(self, api, version):
        self.models = importlib.import_module(f"hubspot.crm.{api}.models")
        # The SDK's own checks are off while it reads, as it would refuse what its models are wrong about. Here they
        # are on.
        self.strict = importlib.import_module(f"hubspot.crm.{api}.configuration").Configuration()
        self.strict.client_side_validation = True
        self.version = version
        self.fields = 0
        self.problems = []

    def value(self, at, wire, held, kind, excepted=lambda wire: False):
        if wire is None:
            if held is not None:
                self.problem(at, f"null came out as {held!r}")
        elif found := re.fullmatch(r"list\[(.*)\]", kind):
            self.list(at, wire, held, found[1])
        elif found := re.fullmatch(r"dict\[str, (.*)\]", kind):
            self.map(at, wire, held, found[1])
        elif kind == "datetime":
            self.date(at, wire, held)
        elif kind == "object":
            if held != wire:
                self.problem(at, f"{wire!r} came out as {held!r}")
        elif kind in ("str", "int", "float", "bool"):
            self.scalar(at, wire, held, kind, excepted)
        else:
            self.object(at, wire, held, getattr(self.models, kind))

    def scalar(self, at, wire, held, kind, excepted):
        # Strictly by type: Python takes 1 for True, and the SDK makes a string of whatever it is told is one.
        if type(wire).__name__ != kind:
            if not excepted(wire):
                return self.problem(at, f"{wire!r} is no {kind}")
            wire = str(wire)
        if type(held) is not type(wire) or held != wire:
            self.problem(at, f"{wire!r} came out as {held!r}")

    def date(self, at, wire, held):
        instant = milliseconds(wire)
        if instant is None:
            self.problem(at, f"{wire!r} is no instant")
        elif not isinstance(held, datetime.datetime) or since_epoch(held) != instant:
            self.problem(at, f"{wire} came out as {held!r}")

    def list(self, at, wire, held, kind):
        if type(wire) is not list or type(held) is not list or len(wire) != len(held):
            return self.problem(at, "the list came out otherwise")
        for n, (item, other) in enumerate(zip(wire, held)):
            self.fields += 1
            self.value(f"{at}[{n}]", item, other, kind)

    def map(self, at, wire, held, kind):
        if type(wire) is not dict or type(held) is not dict or list(wire) != list(held):
            return self.problem(at, "the map came out otherwise")
        for key, item in wire.items():
            self.fields += 1
            self.value(f"{at}.{key}", item, held[key], kind)

    def object(self, at, wire, held, model):
        if type(wire) is not dict or type(held) is not model:
            return self.problem(at, f"is no {model.__name__}")
        attributes = {field: name for name, field in model.attribute_map.items()}
        for field, item in wire.items():
            self.fields += 1
            name = attributes.get(field)
            if name is not None:
                excepted = lambda wire, field=field: self.excepted("type", model, field, wire)
                self.value(f"{at}.{field}", item, getattr(held, name), model.openapi_types[name], excepted)
            elif not self.excepted("unknown", model, field, item):
                self.problem(f"{at}.{field}", f"{model.__name__} does not know it")
        for name, field in model.attribute_map.items():
            self.demands(at, held, model, name, field, field in wire)

    def demands(self, at, held, model, name, field, sent):
        """Hands a value to the model once more, with the SDK's checks on: required fields, and values of enumerations."""
        value = getattr(held, name)
        if value is not None and not sent:
            self.problem(at, f"the SDK invented {name}")
        held.local_vars_configuration = self.strict
        try:
            setattr(held, name, value)
        except ValueError as error:
            required = "must not be `None`" in str(error)
            # The model of an optional enumeration refuses None as well, although it is never handed one.
            optional = value is None and not required
            if not optional and not (required and self.excepted("missing", model, field, None)):
                self.problem(at, f"{model.__name__}: {error}")

    def excepted(self, kind, model, field, wire):
        for known in KNOWN:
            if (
                known.kind == kind
                and known.field == field
                and model.__name__ in known.models
                and known.concerns(self.version)
                and (kind == "missing" or known.holds(wire))
            ):
                known.met = True
                return True
        return False

    def problem(self, at, words):
        # One bad page would otherwise say the same thing a hundred times.
        if len(self.problems) < 5:
            self.problems.append(f"{at}: {words}")


EPOCH = datetime.datetime(1970, 1, 1, tzinfo=datetime.timezone.utc)


def since_epoch(moment):
    return (moment - EPOCH) // datetime.timedelta(milliseconds=1)


def milliseconds(text):
    """An instant as HubSpot writes it, with milliseconds or without, read independently of the SDK."""
    found = re.fullmatch(r"(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)(?:\.(\d{1,3}))?Z", text)
    if found is None:
        return None
    whole = datetime.datetime(*map(int, found.groups()[:6]), tzinfo=datetime.timezone.utc)
    return since_epoch(whole) + int((found[7] or "0").ljust(3, "0"))
