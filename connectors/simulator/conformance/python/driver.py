"""Reads and writes a simulated portal through HubSpot's own SDK, and holds every answer against what the SDK made of it.

Arguments: the API version, then base address and token of three portals. The first has everything; the second is of
the free tier (no custom objects, a hundred calls in ten seconds); in the third the rows of every search page have
vanished, and one company has all the contacts.
"""

import importlib
import re
import sys
import time
import traceback

from hubspot import HubSpot
from known import KNOWN
from wire import Comparison, Wire
from writing import writing

VERSION, FULL, FREE, ODD = sys.argv[1], sys.argv[2:4], sys.argv[4:6], sys.argv[6:8]
NOBODY = "999999999999999"

wire = Wire(VERSION)


def connect(base, token):
    # The SDK's checks would refuse what its models are wrong about; the comparison makes them, and knows the exceptions.
    return HubSpot(
        access_token=token, host=base, base_url=base, api_factory=wire.api_factory, client_side_validation=False
    )


full, free, odd = connect(*FULL), connect(*FREE), connect(*ODD)
seen = dict.fromkeys(("fields", "with_millis", "without_millis", "empty", "never", "surrogates"), 0)
counts = {"passed": 0, "failed": 0}


def tell(name, problem):
    counts["failed" if problem else "passed"] += 1
    if problem:
        print(f"FAILED python {VERSION}: {name}: {' '.join(problem.split())}".encode(errors="replace").decode())


def check(name, holds, words="does not hold"):
    tell(name, None if holds else words)


def compare(api, held, kind):
    comparison = Comparison(api, VERSION)
    comparison.value("$", wire.json, held, kind)
    seen["fields"] += comparison.fields
    return "; ".join(comparison.problems)


def typed(name, api, call, *arguments, **named):
    """One call that succeeds: its typed object, after comparison."""
    data, status, headers = getattr(call.__self__, f"{call.__name__}_with_http_info")(*arguments, **named)
    problem = compare(api, data, type(data).__name__)
    if (status, dict(headers)) != (wire.status, wire.headers):
        problem += "; status or headers came out otherwise"
    tell(name, problem)
    return data


def refused(name, api, status, category, call, *arguments, **named):
    """One call that is refused: the exception must carry status, body and headers as they came."""
    exceptions = importlib.import_module(f"hubspot.crm.{api}.exceptions")
    try:
        call(*arguments, **named)
        return tell(name, "was not refused")
    except exceptions.ApiException as error:
        refusal = error
    body = wire.json
    wanted = (status, wire.status, wire.text, wire.headers, category, wire.headers["x-hubspot-correlation-id"])
    told = (
        refusal.status,
        refusal.status,
        refusal.body,
        dict(refusal.headers),
        body.get("category"),
        body["correlationId"],
    )
    if told != wanted:
        return tell(name, f"{told} instead of {wanted}")
    # The SDK hands the body over as text; read by its model of errors it must lose nothing.
    tell(name, reread(api, refusal.body, "Error"))


def reread(api, body, kind):
    """What a body loses when the SDK reads it as a model of its own."""
    package = importlib.import_module(f"hubspot.crm.{api}")
    reader = package.ApiClient(package.Configuration())
    reader.configuration.client_side_validation = False
    answer = type("Answer", (), {"data": body})
    return compare(api, reader.deserialize(answer, kind), kind)


def ids(page):
    return [row.id for row in page.results]


def inputs(some):
    return [{"id": one} for one in some]


def after(page):
    return page.paging.next.after if page.paging else None


def rate_headers():
    return sum("ratelimit" in name.lower() for name in wire.headers)


def kinds(client, custom):
    """The object APIs of the SDK: name, package, where it is, and what comes before the other arguments."""
    crm = client.crm
    for name in ("contacts", "companies", "deals", "tickets", "products", "line_items", "quotes"):
        yield name, name, getattr(crm, name), ()
    for name in ("notes", "tasks", "calls", "meetings", "emails"):
        yield name, f"objects.{name}", getattr(crm.objects, name), ()
    for name in (custom, "0-1"):
        yield name, "objects", crm.objects, (name,)


def records(name, api, at, first, properties):
    basic, batches, searches = at.basic_api, at.batch_api, at.search_api

    def batch(what, some, archived=False, history=()):
        body = {"inputs": inputs(some), "properties": properties, "propertiesWithHistory": list(history)}
        return typed(f"{name}: {what}", api, batches.read, *first, body, archived=archived)

    page = typed(f"{name}: page", api, basic.get_page, *first, limit=5)
    if page.paging:
        near = ["contacts", "companies", "deals", "tickets"]
        more = typed(
            f"{name}: next page",
            api,
            basic.get_page,
            *first,
            limit=100,
            after=after(page),
            properties=properties,
            associations=near,
        )
        walked = [int(one) for one in ids(page) + ids(more)]
        check(f"{name}: ids go on ascending", walked == sorted(set(walked)))
    typed(f"{name}: history", api, basic.get_page, *first, limit=50, properties_with_history=properties[:20])
    one = page.results[0].id
    typed(
        f"{name}: one",
        api,
        basic.get_by_id,
        *first,
        one,
        properties=properties,
        properties_with_history=properties[:5],
        associations=["contacts", "companies"],
    )
    batch("batch", ids(page))
    batch("batch with history", ids(page), history=properties[:3])
    partial = batch("batch, some missing", [one, NOBODY, "7"])
    check(
        f"{name}: one error for all missing ids",
        (wire.status, ids(partial), partial.num_errors, len(partial.errors)) == (207, [one], 1, 1)
        and partial.errors[0].category == "OBJECT_NOT_FOUND"
        and sorted(partial.errors[0].context["ids"]) == ["7", NOBODY],
    )
    bin = typed(f"{name}: archived", api, basic.get_page, *first, limit=10, archived=True)
    if bin.results:
        gone = bin.results[0].id
        check(f"{name}: archived ones say when", all(row.archived and row.archived_at for row in bin.results))
        typed(f"{name}: one archived", api, basic.get_by_id, *first, gone, properties=properties, archived=True)
        batch("batch of archived", ids(bin), archived=True)
        refused(f"{name}: archived, not asked for", api, 404, None, basic.get_by_id, *first, gone)
    found = typed(f"{name}: search", api, searches.do_search, *first, {})
    check(f"{name}: search has no rate headers", rate_headers() == 0)
    basic.get_page(*first, limit=1)
    check(f"{name}: a list has rate headers", rate_headers() == 7)
    if found.paging:
        body = {"limit": 100, "after": after(found), "properties": properties, "sorts": ["-hs_object_id"]}
        typed(f"{name}: search, next page", api, searches.do_search, *first, body)
    refused(f"{name}: unknown id", api, 404, None, basic.get_by_id, *first, NOBODY)
    refused(f"{name}: no id at all", api, 404, "OBJECT_NOT_FOUND", basic.get_by_id, *first, "none")


def every_contact(client, properties):
    """Every contact, every property: the odd values that real portals hold."""
    contacts, walked, cursor = client.crm.contacts, [], None
    while True:
        page = typed(
            "contacts: walk",
            "contacts",
            contacts.basic_api.get_page,
            limit=100,
            **({"after": cursor} if cursor else {}),
        )
        walked += ids(page)
        cursor = after(page)
        if cursor is None:
            break
    for n in range(0, len(walked), 100):
        some = walked[n : n + 100]
        body = {"inputs": inputs(some), "properties": properties, "propertiesWithHistory": []}
        batch = typed("contacts: everything", "contacts", contacts.batch_api.read, body)
        check(
            "contacts: a batch answers each id once, in an order of its own",
            sorted(ids(batch)) == sorted(some) and ids(batch) != some,
        )
        for sent, held in zip(wire.json["results"], batch.results):
            for instant in (sent["createdAt"], sent["updatedAt"]):
                seen["with_millis" if "." in instant else "without_millis"] += 1
            last, first = held.properties["lastname"], held.properties["firstname"] or ""
            seen["empty"] += last == "" and sent["properties"]["lastname"] == ""
            seen["never"] += last is None and sent["properties"]["lastname"] is None
            seen["surrogates"] += bool(re.search("[\ud800-\udfff]", first))
    everyone = {
        "limit": 1,
        "filterGroups": [{"filters": [{"propertyName": "hs_object_id", "operator": "GT", "value": "0"}]}],
    }
    count = typed("contacts: count", "contacts", contacts.search_api.do_search, everyone)
    check("contacts: the list and the index agree", count.total == len(walked))
    companies = client.crm.companies.get_all()
    check(
        "companies: the SDK's own walk ends, with every id once",
        len({row.id for row in companies}) == client.crm.companies.search_api.do_search({}).total,
    )
    return walked


def other_keys(client):
    contacts = client.crm.contacts

    def has(name, **more):
        return {"filterGroups": [{"filters": [{"propertyName": name, "operator": "HAS_PROPERTY"}]}], **more}

    found = typed("search: has an email", "contacts", contacts.search_api.do_search, has("email", limit=3))
    first = found.results[0]
    one = typed("by email", "contacts", contacts.basic_api.get_by_id, first.properties["email"], id_property="email")
    check("by email it is the same record", one.id == first.id)
    emails = [row.properties["email"] for row in found.results]
    typed(
        "batch by email",
        "contacts",
        contacts.batch_api.read,
        {"idProperty": "email", "inputs": inputs(emails), "properties": [], "propertiesWithHistory": []},
    )
    name = "hs_merged_object_ids"
    winner = typed("search: merged", "contacts", contacts.search_api.do_search, has(name, properties=[name])).results[0]
    survivor = typed(
        "a merged-away id", "contacts", contacts.basic_api.get_by_id, winner.properties[name].split(";")[0]
    )
    check("a merged-away id answers with the survivor", survivor.id == winner.id)


def operators(client):
    """Each operator that the SDK knows, on a property of numbers: every row must keep the rule."""
    deals = client.crm.deals.search_api
    from hubspot.crm.deals import Filter

    def search(name, filters=(), **more):
        groups = [{"filters": filters}] if filters else []
        body = {"filterGroups": groups, "properties": ["amount", "dealname"], "limit": 200, **more}
        return typed(f"search: {name}", "deals", deals.do_search, body)

    priced = search("sorted", [Filter(property_name="amount", operator="HAS_PROPERTY")], sorts=["amount"]).results
    low, middle, high = (priced[n].properties["amount"] for n in (10, 50, 150))
    word = re.split(r"\W+", priced[50].properties["dealname"])[0]

    def amount(rule):
        return lambda row: row["amount"] is None or rule(float(row["amount"]))

    def named(row):
        return word.lower() in row["dealname"].lower()

    bottom, center, top = map(float, (low, middle, high))
    rules = {
        "EQ": ({"value": middle}, amount(lambda n: n == center)),
        "NEQ": ({"value": middle}, amount(lambda n: n != center)),
        "LT": ({"value": middle}, amount(lambda n: n < center)),
        "LTE": ({"value": middle}, amount(lambda n: n <= center)),
        "GT": ({"value": middle}, amount(lambda n: n > center)),
        "GTE": ({"value": middle}, amount(lambda n: n >= center)),
        "BETWEEN": ({"value": low, "high_value": high}, amount(lambda n: bottom <= n <= top)),
        "IN": ({"values": [low, high]}, amount(lambda n: n in (bottom, top))),
        "NOT_IN": ({"values": [low, high]}, amount(lambda n: n not in (bottom, top))),
        "HAS_PROPERTY": ({}, lambda row: row["amount"] is not None),
        "NOT_HAS_PROPERTY": ({}, lambda row: not row["amount"]),
        "CONTAINS_TOKEN": ({"value": word, "property_name": "dealname"}, named),
        "NOT_CONTAINS_TOKEN": ({"value": word, "property_name": "dealname"}, lambda row: not named(row)),
    }
    for operator, (operand, rule) in rules.items():
        # The SDK's own type of filter refuses an operator that it does not know.
        rows = search(operator, [Filter(**{"property_name": "amount", "operator": operator, **operand})]).results
        check(f"search: every row keeps {operator}", rows and all(rule(row.properties) for row in rows))
    either = [
        {
            "filters": [
                {"propertyName": "amount", "operator": "EQ", "value": value},
                {"propertyName": "dealname", "operator": "HAS_PROPERTY"},
            ]
        }
        for value in (low, high)
    ]
    groups = search("groups are alternatives", filterGroups=either)
    check("search: rows of both groups", {row.properties["amount"] for row in groups.results} == {low, high})
    times, cursor = [], "0"
    while cursor:
        page = search(
            "walk", sorts=[{"propertyName": "createdate", "direction": "DESCENDING"}], after=cursor, limit=150
        )
        times += [row.created_at for row in page.results]
        cursor = after(page)
        check("search: total stays", page.total == 400)
    check("search: descending, to the end", len(times) == 400 and times == sorted(times, reverse=True))
    search("words", query=word)


def associations(client, contacts, custom):
    at, api = client.crm.associations.v4, "associations.v4"
    asked = contacts[:1000]

    def read(name, some):
        return typed(
            f"associations: {name}", api, at.batch_api.get_page, "contacts", "companies", {"inputs": inputs(some)}
        )

    batch = read("batch", asked)
    far = [to["toObjectId"] for row in wire.json["results"] for to in row["to"]]
    check("associations: far ids are numbers beyond 32 bits", all(type(one) is int for one in far) and max(far) > 2**32)
    types = [kind for row in batch.results for to in row.to for kind in to.association_types]
    check(
        "associations: labels, and types without one",
        any(kind.category == "USER_DEFINED" and kind.label for kind in types)
        and any(kind.type_id == 279 and kind.label is None for kind in types),
    )
    check(
        "associations: having none is an error item",
        wire.status == 207
        and 0 < len(batch.errors) == batch.num_errors
        and all(
            error.sub_category == "crm.associations.NO_ASSOCIATIONS_FOUND"
            and error.category == "OBJECT_NOT_FOUND"
            and error.context["fromObjectType"] == ["contact"]
            and error.context["toObjectType"] == ["company"]
            for error in batch.errors
        ),
    )
    told = [row._from.id for row in batch.results] + [error.context["fromObjectId"][0] for error in batch.errors]
    check("associations: each id is told of once", sorted(told) == sorted(asked))
    read("an id that is none", ["none"])
    some = [row._from.id for row in batch.results][:5]
    read("batch, nobody without", some)
    for one in some:
        typed("associations: of one record", api, at.basic_api.get_page, "contacts", one, "companies")
    pairs = [
        ("contacts", "companies"),
        ("companies", "contacts"),
        ("deals", "line_items"),
        ("0-1", "0-3"),
        ("companies", custom),
    ]
    for near, far in pairs:
        typed(
            f"associations: labels {near} to {far}",
            "associations.v4.schema",
            at.schema.definitions_api.get_all,
            near,
            far,
        )
    many = {"inputs": inputs(str(n) for n in range(1, 1002))}
    refused(
        "associations: too many inputs",
        api,
        400,
        "VALIDATION_ERROR",
        at.batch_api.get_page,
        "contacts",
        "companies",
        many,
    )
    refused("associations: of nobody", api, 404, None, at.basic_api.get_page, "contacts", NOBODY, "companies")


# What was said and sold: the types of its associations, there and back, as HubSpot's documentation lists them.
ACTIVITIES = ("notes", "tasks", "calls", "meetings", "emails")
PAIRS = {
    "notes": {"contacts": (202, 201), "companies": (190, 189), "deals": (214, 213), "tickets": (228, 227)},
    "tasks": {"contacts": (204, 203), "companies": (192, 191), "deals": (216, 215), "tickets": (230, 229)},
    "calls": {"contacts": (194, 193), "companies": (182, 181), "deals": (206, 205), "tickets": (220, 219)},
    "meetings": {"contacts": (200, 199), "companies": (188, 187), "deals": (212, 211), "tickets": (226, 225)},
    "emails": {"contacts": (198, 197), "companies": (186, 185), "deals": (210, 209), "tickets": (224, 223)},
    "line_items": {"deals": (20, 19), "quotes": (68, 67)},
    "quotes": {"contacts": (69, 70), "companies": (71, 72), "deals": (64, 63)},
}


def said_and_sold(client):
    crm, at, api = client.crm, client.crm.associations.v4, "associations.v4"

    def read(near, far, some):
        body = {"inputs": inputs(some)}
        page = typed(f"associations: {near} to {far}", api, at.batch_api.get_page, near, far, body)
        return {
            (row._from.id, str(to.to_object_id)): [kind.type_id for kind in to.association_types]
            for row in page.results
            for to in row.to
        }

    for near, targets in PAIRS.items():
        some = ids(crm.objects.basic_api.get_page(near, limit=100))
        for far, (forth, back) in targets.items():
            there = read(near, far, some)
            check(
                f"associations: {near} to {far} have the documented type",
                there and all(forth in types for types in there.values()),
            )
            asked = sorted({other for _, other in there})[:20]
            here = read(far, near, asked)
            check(
                f"associations: {far} to {near} are the same, under the type of that direction",
                all((other, one) in here for one, other in there if other in asked)
                and all(back in types for types in here.values()),
            )
            for one, other, kind in ((near, far, forth), (far, near, back)):
                labels = typed(
                    f"associations: labels {one} to {other}",
                    "associations.v4.schema",
                    at.schema.definitions_api.get_all,
                    one,
                    other,
                )
                check(
                    f"associations: {one} to {other} without a label",
                    any(label.type_id == kind and label.label is None for label in labels.results),
                )
    for kind in ACTIVITIES:
        activity(client, kind)


def activity(client, kind):
    """As a sync reads an activity: a window of modified dates, walked by id; and by the contact that it is about."""
    at, api = getattr(client.crm.objects, kind), f"objects.{kind}"
    window = {
        "propertyName": "hs_lastmodifieddate",
        "operator": "BETWEEN",
        "value": "1000000000000",
        "highValue": str(int(time.time() * 1000)),
    }
    walked = []
    while True:
        last = walked[-1].id if walked else "0"
        body = {
            "filterGroups": [
                {"filters": [window, {"propertyName": "hs_object_id", "operator": "GT", "value": last}]},
            ],
            "sorts": ["hs_object_id"],
            "properties": ["hs_timestamp"],
            "limit": 60,
        }
        page = typed(f"{kind}: a window walked by id", api, at.search_api.do_search, body)
        walked += page.results
        if after(page) is None:
            break
    numbers = [int(row.id) for row in walked]
    check(
        f"{kind}: the window holds every record",
        numbers == sorted(set(numbers)) and len(numbers) == at.search_api.do_search({}).total,
    )
    check(
        f"{kind}: dated as activities are",
        all(row.properties["hs_timestamp"] and "createdate" not in row.properties for row in walked)
        and all(row.properties[name] for row in walked for name in ("hs_createdate", "hs_lastmodifieddate")),
    )
    page = at.basic_api.get_page(limit=100, associations=["contacts"])
    about = next(row for row in page.results if row.associations and "contacts" in row.associations)
    one = about.associations["contacts"].results[0].id
    body = {
        "filterGroups": [{"filters": [{"propertyName": "associations.contact", "operator": "EQ", "value": one}]}],
        "limit": 200,
    }
    found = typed(f"{kind}: searched by contact", api, at.search_api.do_search, body)
    check(f"{kind}: the search by contact finds it", about.id in ids(found))


def long_associations(client):
    """One company with more contacts than a page holds."""
    at, api = client.crm.associations.v4, "associations.v4"
    company = client.crm.companies.basic_api.get_page(limit=1).results[0].id

    def walk(turn):
        found, cursor = [], None
        while True:
            to, page = turn(cursor)
            found += [one.to_object_id for one in to]
            cursor = after(page)
            if cursor is None:
                return found

    def one(cursor):
        named = {"after": cursor} if cursor else {}
        page = typed(
            "associations: page of one record",
            api,
            at.basic_api.get_page,
            "companies",
            company,
            "contacts",
            limit=500,
            **named,
        )
        return page.results, page

    def batch(cursor):
        body = {"inputs": [{"id": company, **({"after": cursor} if cursor else {})}]}
        page = typed("associations: page in a batch", api, at.batch_api.get_page, "companies", "contacts", body)
        return page.results[0].to, page.results[0]

    alone = walk(one)
    check("associations: both walks tell the same", len(set(alone)) == len(alone) > 1000 and walk(batch) == alone)


def vanished(client):
    page = typed("search: an empty page", "contacts", client.crm.contacts.search_api.do_search, {"limit": 50})
    check(
        "search: an empty page counts, and has a next one",
        page.results == [] and page.total > 1000 and after(page) == "50" and page.paging.next.link is None,
    )


def metadata(client, custom):
    crm = client.crm
    owners, pipelines, properties = crm.owners.owners_api, crm.pipelines, crm.properties
    first = typed("owners: page", "owners", owners.get_page, limit=5)
    typed("owners: next page", "owners", owners.get_page, limit=500, after=after(first))
    one = first.results[0]
    typed("owners: by email", "owners", owners.get_page, email=one.email)
    typed("owners: one", "owners", owners.get_by_id, int(one.id))
    typed("owners: by user", "owners", owners.get_by_id, one.user_id, id_property="userId")
    left = typed("owners: archived", "owners", owners.get_page, archived=True)
    check(
        "owners: who left has no user id",
        left.results and all(it.user_id is None and it.user_id_including_inactive for it in left.results),
    )
    typed("owners: one archived", "owners", owners.get_by_id, int(left.results[0].id), archived=True)
    refused("owners: nobody", "owners", 404, None, owners.get_by_id, 1)
    for kind in ("deals", "tickets", "leads", "orders", "contacts", "quotes", "tasks"):
        for pipeline in typed(f"pipelines: {kind}", "pipelines", pipelines.pipelines_api.get_all, kind).results:
            typed(f"pipelines: one of {kind}", "pipelines", pipelines.pipelines_api.get_by_id, kind, pipeline.id)
            typed(f"stages: {kind}", "pipelines", pipelines.pipeline_stages_api.get_all, kind, pipeline.id)
    refused("pipelines: none", "pipelines", 404, "OBJECT_NOT_FOUND", pipelines.pipelines_api.get_by_id, "deals", "none")
    names = {}
    for kind in [name for name, *_ in kinds(client, custom)]:
        core = properties.core_api
        names[kind] = [one.name for one in typed(f"properties: {kind}", "properties", core.get_all, kind).results]
        typed(f"properties: archived {kind}", "properties", core.get_all, kind, archived=True)
        typed(f"properties: groups of {kind}", "properties", properties.groups_api.get_all, kind)
        typed(f"properties: one of {kind}", "properties", core.get_by_name, kind, "hs_object_id")
    refused("properties: none", "properties", 404, "OBJECT_NOT_FOUND", core.get_by_name, "deals", "none")
    typed("schemas", "schemas", crm.schemas.core_api.get_all)
    typed("schemas: archived", "schemas", crm.schemas.core_api.get_all, archived=True)
    typed("schemas: one", "schemas", crm.schemas.core_api.get_by_id, custom)
    return names


def account(client):
    """The SDK has no models for account information; its `api_request` reaches it all the same."""

    def get(path):
        return client.api_request({"path": wire.address(path)}).json()

    def shape(value):
        return {key: type(it).__name__ for key, it in value.items()}

    details = get("/account-info/v3/details")
    words = ("accountType", "companyCurrency", "dataHostingLocation", "timeZone", "uiDomain", "utcOffset")
    check(
        "account details",
        shape(details)
        == {
            "portalId": "int",
            "utcOffsetMilliseconds": "int",
            "additionalCurrencies": "list",
            **dict.fromkeys(words, "str"),
        }
        and re.fullmatch(r"[+-]\d\d:\d\d", details["utcOffset"]),
        str(details),
    )
    usage = get("/account-info/v3/api-usage/daily/private-apps")["results"][0]
    words = ("name", "fetchStatus", "collectedAt", "resetsAt")
    check(
        "daily usage",
        shape(usage) == {"usageLimit": "int", "currentUsage": "int", **dict.fromkeys(words, "str")}
        and usage["currentUsage"] > 0
        and usage["resetsAt"] > usage["collectedAt"],
        str(usage),
    )


def refusals(client, contacts):
    crm = client.crm
    page, search, batch = crm.contacts.basic_api.get_page, crm.deals.search_api.do_search, crm.contacts.batch_api.read

    def group(count, name="amount"):
        return {"filters": [{"propertyName": name, "operator": "GT", "value": str(n)} for n in range(count)]}

    def reading(some):
        return {"inputs": inputs(some), "properties": [], "propertiesWithHistory": []}

    refused("400: no such type", "objects", 400, None, crm.objects.basic_api.get_page, "butterflies")
    for name, api, call, arguments, named in [
        ("the page is too large", "contacts", page, [], {"limit": 101}),
        (
            "the page with history is too large",
            "contacts",
            page,
            [],
            {"limit": 100, "properties_with_history": ["email"]},
        ),
        ("a cursor that is none", "contacts", page, [], {"after": "x"}),
        ("a key that is none", "contacts", crm.contacts.basic_api.get_by_id, ["x"], {"id_property": "firstname"}),
        ("an id twice", "contacts", batch, [reading(contacts[:1] * 2)], {}),
        ("too many ids", "contacts", batch, [reading(str(n) for n in range(101))], {}),
        ("no such property", "deals", search, [{"filterGroups": [group(1, "none")]}], {}),
        ("six groups", "deals", search, [{"filterGroups": [group(1)] * 6}], {}),
        ("seven filters", "deals", search, [{"filterGroups": [group(7)]}], {}),
        ("nineteen filters", "deals", search, [{"filterGroups": [group(n) for n in (5, 5, 5, 4)]}], {}),
        ("two sorts", "deals", search, [{"sorts": ["amount", "dealname"]}], {}),
        ("the search page is too large", "deals", search, [{"limit": 201}], {}),
        ("beyond ten thousand", "deals", search, [{"limit": 100, "after": "9950"}], {}),
        ("a long body", "deals", search, [{"query": "x" * 3000}], {}),
    ]:
        refused(f"400: {name}", api, 400, "VALIDATION_ERROR", call, *arguments, **named)
    for token, category in (("pat-na1-none", "EXPIRED_AUTHENTICATION"), (None, "INVALID_AUTHENTICATION")):
        stranger = connect(FULL[0], token).crm.contacts.basic_api
        refused(f"401: {category}", "contacts", 401, category, stranger.get_page)
    refused("403: no custom objects", "schemas", 403, "MISSING_SCOPES", free.crm.schemas.core_api.get_all)


def limits():
    """Both limits, hit on purpose."""
    wire.paced = False

    def until(most, call, *arguments):
        for _ in range(most):
            call(*arguments)

    refused(
        "429: a second of searches",
        "contacts",
        429,
        "RATE_LIMITS",
        until,
        12,
        full.crm.contacts.search_api.do_search,
        {},
    )
    check("429: nor has a refused search rate headers", rate_headers() == 0)
    refused("429: ten seconds of calls", "owners", 429, None, until, 110, free.crm.owners.owners_api.get_page)
    check(
        "429: the ten-second limit has a name, and no Retry-After",
        wire.json["policyName"] == "TEN_SECONDLY_ROLLING" and "retry-after" not in wire.headers,
    )


def everything():
    custom = full.crm.schemas.core_api.get_all().results[0].object_type_id
    names = metadata(full, custom)
    for kind in kinds(full, custom):
        records(*kind, names[kind[0]][:60])
    contacts = every_contact(full, names["contacts"])
    other_keys(full)
    operators(full)
    associations(full, contacts, custom)
    said_and_sold(full)
    long_associations(odd)
    vanished(odd)
    account(full)
    refusals(full, contacts)
    tools = {"typed": typed, "refused": refused, "check": check, "ids": ids, "wire": wire}
    tools |= {"tell": tell, "reread": reread, "version": VERSION}
    writing(tools, full, [kind for kind in kinds(full, custom) if kind[0] != "0-1"])
    limits()
    for trap, times in seen.items():
        check(f"the data held {trap}", times > 0)
    for known in KNOWN:
        if known.concerns(VERSION):
            check(
                f"exception needed: {known.kind} {known.models} {known.field} ({known.reason})", known.met, "never met"
            )


try:
    everything()
except Exception as error:  # Whatever the SDK throws ends the run, and has to be told as a failure.
    traceback.print_exc(file=sys.stdout)
    tell("the run", f"{type(error).__name__}: {error}")
print(
    f"python {VERSION}: {wire.calls} calls, {seen['fields']} fields compared: "
    f"{counts['passed']} passed, {counts['failed']} failed"
)
sys.exit(counts["failed"] > 0)
