// Reads and writes a simulated portal through HubSpot's own SDK, and holds every answer against what the SDK made of it.
//
// Arguments: the API version, then base address and token of three portals. The first has everything; the second is of
// the free tier (no custom objects, a hundred calls in ten seconds); in the third the rows of every search page have
// vanished, and one company has all the contacts.

const assert = require('node:assert/strict');
const { Client } = require('@hubspot/api-client');
const { Wire, Models, Comparison, exceptions } = require('./wire.js');
const { writing } = require('./writing.js');

const [, , version, fullBase, fullToken, freeBase, freeToken, oddBase, oddToken] = process.argv;
const connect = (basePath, accessToken, more = {}) => new Client({ basePath, accessToken, ...more });
const full = connect(fullBase, fullToken);
const free = connect(freeBase, freeToken);
const odd = connect(oddBase, oddToken);

const wire = new Wire(version);
const known = new Map();
const seen = { fields: 0, withMillis: 0, withoutMillis: 0, empty: 0, never: 0, surrogates: 0 };
let passed = 0;
let failed = 0;

const models = (api) => known.get(api) ?? known.set(api, new Models(api)).get(api);

async function check(name, body) {
    try {
        const result = await body();
        passed += 1;
        return result;
    } catch (error) {
        failed += 1;
        console.log(`FAILED node ${version}: ${name}: ${error.message.replace(/\s+/g, ' ')}`);
        return undefined;
    }
}

function compare(api, held, model) {
    const comparison = new Comparison(models(api), version);
    comparison.value('$', wire.json, held, model);
    seen.fields += comparison.fields;
    if (comparison.problems.length > 0) throw new Error(comparison.problems.join('; '));
}

/** One call that succeeds: its typed object, after comparison. */
async function typed(name, api, call) {
    let data;
    await check(name, async () => {
        const info = await call();
        data = info.data;
        assert.equal(info.httpStatusCode, wire.last.status);
        compare(api, data, data.constructor.name);
    });
    assert.ok(data, `${name} gave nothing to go on with`);
    return data;
}

/** One call that is refused: the exception must carry status, body and headers as they came. */
async function refused(name, api, status, category, call) {
    await check(name, async () => {
        const error = await call().then(
            () => assert.fail('was not refused'),
            (error) => error,
        );
        assert.equal(error.constructor.name, 'ApiException', error.message);
        assert.equal(error.code, status, error.message);
        assert.equal(error.code, wire.last.status);
        assert.deepEqual(error.body, wire.json);
        assert.deepEqual({ ...error.headers }, wire.last.headers);
        assert.equal(error.headers['x-hubspot-correlation-id'], error.body.correlationId);
        assert.equal(error.body.category, category);
        compare(api, models(api).serializer.deserialize(wire.json, 'ModelError', ''), 'ModelError');
    });
}

const ids = (page) => page.results.map((row) => row.id);
const inputs = (some) => some.map((id) => ({ id }));
const rateHeaders = () => Object.keys(wire.last.headers).filter((name) => name.includes('ratelimit')).length;
const NOBODY = '999999999999999';

/** The object APIs of the SDK: where they are, and what comes before the other arguments. */
function kinds(client, custom) {
    const { contacts, companies, deals, tickets, products, lineItems, quotes, objects } = client.crm;
    const own = { contacts, companies, deals, tickets, products, line_items: lineItems, quotes };
    const activities = Object.fromEntries(
        ['notes', 'tasks', 'calls', 'meetings', 'emails'].map((n) => [`objects/${n}`, objects[n]]),
    );
    const all = Object.entries({ ...own, ...activities }).map(([api, at]) => ({ name: api, api, at, first: [] }));
    return [
        ...all,
        ...[custom, '0-1'].map((type) => ({ name: `objects ${type}`, api: 'objects', at: objects, first: [type] })),
    ];
}

async function records({ name, api, at, first }, properties) {
    const basic = (method, ...rest) => at.basicApi[`${method}WithHttpInfo`](...first, ...rest);
    const batch = (body, archived) =>
        at.batchApi.readWithHttpInfo(...first, { propertiesWithHistory: [], properties, ...body }, archived);
    const page = await typed(`${name}: page`, api, () => basic('getPage', 5));
    if (page.paging) {
        const more = await typed(`${name}: next page`, api, () =>
            basic('getPage', 100, page.paging.next.after, properties, undefined, [
                'contacts',
                'companies',
                'deals',
                'tickets',
            ]),
        );
        await check(`${name}: ids go on ascending`, () => {
            const all = [...ids(page), ...ids(more)].map(BigInt);
            assert.ok(all.every((id, n) => n === 0 || all[n - 1] < id));
        });
    }
    await typed(`${name}: history`, api, () => basic('getPage', 50, undefined, undefined, properties.slice(0, 20)));
    const [id] = ids(page);
    await typed(`${name}: one`, api, () =>
        basic('getById', id, properties, properties.slice(0, 5), ['contacts', 'companies']),
    );
    await typed(`${name}: batch`, api, () => batch({ inputs: inputs(ids(page)) }));
    await typed(`${name}: batch with history`, api, () =>
        batch({ inputs: inputs(ids(page)), propertiesWithHistory: properties.slice(0, 3) }),
    );
    const partial = await typed(`${name}: batch, some missing`, api, () =>
        batch({ inputs: inputs([id, NOBODY, '7']) }),
    );
    await check(`${name}: one error for all missing ids`, () => {
        assert.equal(wire.last.status, 207);
        assert.deepEqual([ids(partial), partial.numErrors, partial.errors.length], [[id], 1, 1]);
        assert.equal(partial.errors[0].category, 'OBJECT_NOT_FOUND');
        assert.deepEqual(partial.errors[0].context.ids.sort(), ['7', NOBODY]);
    });
    const bin = await typed(`${name}: archived`, api, () =>
        basic('getPage', 10, undefined, undefined, undefined, undefined, true),
    );
    if (bin.results.length > 0) {
        const gone = ids(bin)[0];
        await check(`${name}: archived ones say when`, () =>
            assert.ok(bin.results.every((row) => row.archived && row.archivedAt <= new Date())),
        );
        await typed(`${name}: one archived`, api, () => basic('getById', gone, properties, undefined, undefined, true));
        await typed(`${name}: batch of archived`, api, () => batch({ inputs: inputs(ids(bin)) }, true));
        await refused(`${name}: archived, not asked for`, api, 404, undefined, () => basic('getById', gone));
    }
    const search = (body) => at.searchApi.doSearchWithHttpInfo(...first, body);
    const found = await typed(`${name}: search`, api, () => search({}));
    await check(`${name}: search has no rate headers, a list has`, async () => {
        assert.equal(rateHeaders(), 0);
        await basic('getPage', 1);
        assert.equal(rateHeaders(), 7);
    });
    if (found.paging) {
        await typed(`${name}: search, next page`, api, () =>
            search({ limit: 100, after: found.paging.next.after, properties, sorts: ['-hs_object_id'] }),
        );
    }
    await refused(`${name}: unknown id`, api, 404, undefined, () => basic('getById', NOBODY));
    await refused(`${name}: no id at all`, api, 404, 'OBJECT_NOT_FOUND', () => basic('getById', 'none'));
}

/** Every contact, every property: the odd values that real portals hold. */
async function everyContact(client, properties) {
    const { basicApi, batchApi, searchApi } = client.crm.contacts;
    const all = [];
    let after;
    do {
        const page = await typed('contacts: walk', 'contacts', () => basicApi.getPageWithHttpInfo(100, after));
        all.push(...ids(page));
        after = page.paging?.next.after;
    } while (after);
    for (let n = 0; n < all.length; n += 100) {
        const some = all.slice(n, n + 100);
        const batch = await typed('contacts: everything', 'contacts', () =>
            batchApi.readWithHttpInfo({ inputs: inputs(some), properties, propertiesWithHistory: [] }),
        );
        await check('contacts: a batch answers each id once, in an order of its own', () => {
            assert.deepEqual(ids(batch).sort(), [...some].sort());
            assert.notDeepEqual(ids(batch), some);
        });
        for (const [n, { createdAt, updatedAt, properties }] of wire.json.results.entries()) {
            const held = batch.results[n].properties;
            for (const time of [createdAt, updatedAt]) seen[time.includes('.') ? 'withMillis' : 'withoutMillis'] += 1;
            seen.empty += properties.lastname === '' && held.lastname === '' ? 1 : 0;
            seen.never += properties.lastname === null && held.lastname === null ? 1 : 0;
            seen.surrogates += /[\ud800-\udbff](?![\udc00-\udfff])/.test(held.firstname ?? '') ? 1 : 0;
        }
    }
    const total = await typed('contacts: count', 'contacts', () =>
        searchApi.doSearchWithHttpInfo({
            limit: 1,
            filterGroups: [{ filters: [{ propertyName: 'hs_object_id', operator: 'GT', value: '0' }] }],
        }),
    );
    await check('contacts: the list and the index agree', () => assert.equal(total.total, all.length));
    await check("companies: the SDK's own walk ends, with every id once", async () => {
        const walked = await client.crm.companies.getAll();
        const { total } = await client.crm.companies.searchApi.doSearch({});
        assert.equal(new Set(walked.map((row) => row.id)).size, total);
    });
    return all;
}

async function otherKeys(client) {
    const { basicApi, batchApi, searchApi } = client.crm.contacts;
    const has = (propertyName) => ({ filterGroups: [{ filters: [{ propertyName, operator: 'HAS_PROPERTY' }] }] });
    const found = await typed('search: has an email', 'contacts', () =>
        searchApi.doSearchWithHttpInfo({ ...has('email'), limit: 3 }),
    );
    const [
        {
            id,
            properties: { email },
        },
    ] = found.results;
    const one = await typed('by email', 'contacts', () =>
        basicApi.getByIdWithHttpInfo(email, undefined, undefined, undefined, undefined, 'email'),
    );
    await check('by email it is the same record', () => assert.equal(one.id, id));
    const emails = found.results.map((row) => row.properties.email);
    await typed('batch by email', 'contacts', () =>
        batchApi.readWithHttpInfo({
            idProperty: 'email',
            inputs: inputs(emails),
            properties: [],
            propertiesWithHistory: [],
        }),
    );
    const merged = await typed('search: merged', 'contacts', () =>
        searchApi.doSearchWithHttpInfo({ ...has('hs_merged_object_ids'), properties: ['hs_merged_object_ids'] }),
    );
    const [winner] = merged.results;
    const [loser] = winner.properties.hs_merged_object_ids.split(';');
    const survivor = await typed('a merged-away id', 'contacts', () => basicApi.getByIdWithHttpInfo(loser));
    await check('a merged-away id answers with the survivor', () => assert.equal(survivor.id, winner.id));
}

/** Each operator that the SDK knows, on a property of numbers: every row must keep the rule. */
async function operators(client) {
    const { searchApi } = client.crm.deals;
    const search = (filters, more = {}) =>
        searchApi.doSearchWithHttpInfo({
            filterGroups: [{ filters }],
            properties: ['amount', 'dealname'],
            limit: 200,
            ...more,
        });
    const priced = await typed('search: HAS_PROPERTY', 'deals', () =>
        search([{ propertyName: 'amount', operator: 'HAS_PROPERTY' }], { sorts: ['amount'] }),
    );
    const amounts = priced.results.map((row) => row.properties.amount);
    const [low, middle, high] = [10, 50, 150].map((n) => amounts[n]);
    const word = priced.results[50].properties.dealname.split(/\W+/)[0];
    const is =
        (rule) =>
        ({ amount }) =>
            amount === null || rule(Number(amount));
    const named = ({ dealname }) => dealname.toLowerCase().includes(word.toLowerCase());
    const rules = {
        EQ: [{ value: middle }, is((n) => n === Number(middle))],
        NEQ: [{ value: middle }, is((n) => n !== Number(middle))],
        LT: [{ value: middle }, is((n) => n < middle)],
        LTE: [{ value: middle }, is((n) => n <= middle)],
        GT: [{ value: middle }, is((n) => n > middle)],
        GTE: [{ value: middle }, is((n) => n >= middle)],
        BETWEEN: [{ value: low, highValue: high }, is((n) => n >= low && n <= high)],
        IN: [{ values: [low, high] }, is((n) => n === Number(low) || n === Number(high))],
        NOT_IN: [{ values: [low, high] }, is((n) => n !== Number(low) && n !== Number(high))],
        HAS_PROPERTY: [{}, ({ amount }) => amount !== null],
        NOT_HAS_PROPERTY: [{}, ({ amount }) => !amount],
        CONTAINS_TOKEN: [{ value: word, propertyName: 'dealname' }, named],
        NOT_CONTAINS_TOKEN: [{ value: word, propertyName: 'dealname' }, (row) => !named(row)],
    };
    await check('search: these are all operators', () =>
        assert.deepEqual(Object.keys(rules).sort(), Object.values(models('deals').all.FilterOperatorEnum).sort()),
    );
    for (const [operator, [operand, rule]] of Object.entries(rules)) {
        const page = await typed(`search: ${operator}`, 'deals', () =>
            search([{ propertyName: 'amount', operator, ...operand }]),
        );
        await check(`search: every row keeps ${operator}`, () => {
            assert.ok(page.results.length > 0);
            assert.ok(page.results.every((row) => rule(row.properties)));
        });
    }
    const either = [low, high].map((value) => ({
        filters: [
            { propertyName: 'amount', operator: 'EQ', value },
            { propertyName: 'dealname', operator: 'HAS_PROPERTY' },
        ],
    }));
    const groups = await typed('search: groups are alternatives', 'deals', () => search([], { filterGroups: either }));
    await check('search: rows of both groups', () =>
        assert.equal(new Set(groups.results.map((row) => row.properties.amount)).size, 2),
    );
    const sorts = [{ propertyName: 'createdate', direction: 'DESCENDING' }];
    let after;
    const times = [];
    do {
        const page = await typed('search: walk', 'deals', () =>
            search([], { filterGroups: [], sorts, after, limit: 150 }),
        );
        times.push(...page.results.map((row) => row.createdAt.getTime()));
        after = page.paging?.next.after;
        await check('search: total stays', () => assert.equal(page.total, after ? 400 : times.length));
    } while (after);
    await check('search: descending', () => assert.ok(times.every((time, n) => n === 0 || times[n - 1] >= time)));
    await typed('search: words', 'deals', () => search([], { filterGroups: [], query: word }));
}

async function associations(client, contacts, custom) {
    const { basicApi, batchApi, schema } = client.crm.associations.v4;
    const read = (from, to, some) => batchApi.getPageWithHttpInfo(from, to, { inputs: some });
    const batch = await typed('associations: batch', 'associations/v4', () =>
        read('contacts', 'companies', inputs(contacts.slice(0, 1000))),
    );
    await check('associations: far ids are numbers beyond 32 bits', () => {
        const far = wire.json.results.flatMap((row) => row.to.map((to) => to.toObjectId));
        assert.ok(far.every(Number.isSafeInteger) && far.some((id) => id > 2 ** 32));
    });
    await check('associations: labels, and types without one', () => {
        const types = batch.results.flatMap((row) => row.to.flatMap((to) => to.associationTypes));
        assert.ok(types.some((type) => type.category === 'USER_DEFINED' && type.label));
        assert.ok(types.some((type) => type.typeId === 279 && type.label === null));
    });
    await check('associations: having none is an error item', () => {
        assert.equal(wire.last.status, 207);
        assert.equal(batch.constructor.name, 'BatchResponsePublicAssociationMultiWithLabelWithErrors');
        assert.ok(batch.errors.length > 0 && batch.numErrors === batch.errors.length);
        for (const { subCategory, context, category } of batch.errors) {
            assert.deepEqual([subCategory, category], ['crm.associations.NO_ASSOCIATIONS_FOUND', 'OBJECT_NOT_FOUND']);
            assert.deepEqual([context.fromObjectType, context.toObjectType], [['contact'], ['company']]);
        }
        const told = [
            ...batch.results.map((row) => row._from.id),
            ...batch.errors.flatMap((error) => error.context.fromObjectId),
        ];
        assert.deepEqual(told.sort(), contacts.slice(0, 1000).sort());
    });
    await typed('associations: an id that is none', 'associations/v4', () =>
        read('contacts', 'companies', inputs(['none'])),
    );
    const some = batch.results
        .filter((row) => row.to.length > 0)
        .slice(0, 5)
        .map((row) => row._from.id);
    await typed('associations: batch, nobody without', 'associations/v4', () =>
        read('contacts', 'companies', inputs(some)),
    );
    for (const id of some) {
        await typed('associations: of one record', 'associations/v4', () =>
            basicApi.getPageWithHttpInfo('contacts', id, 'companies'),
        );
    }
    for (const [from, to] of [
        ['contacts', 'companies'],
        ['companies', 'contacts'],
        ['deals', 'line_items'],
        ['0-1', '0-3'],
        ['companies', custom],
    ]) {
        await typed(`associations: labels ${from} to ${to}`, 'associations/v4/schema', () =>
            schema.definitionsApi.getAllWithHttpInfo(from, to),
        );
    }
    await refused('associations: too many inputs', 'associations/v4', 400, 'VALIDATION_ERROR', () =>
        read('contacts', 'companies', inputs(Array.from({ length: 1001 }, (_, n) => String(n + 1)))),
    );
    await refused('associations: of nobody', 'associations/v4', 404, undefined, () =>
        basicApi.getPageWithHttpInfo('contacts', NOBODY, 'companies'),
    );
}

/** What was said and sold: the types of its associations, there and back, as HubSpot's documentation lists them. */
const ACTIVITIES = ['notes', 'tasks', 'calls', 'meetings', 'emails'];
const PAIRS = {
    notes: { contacts: [202, 201], companies: [190, 189], deals: [214, 213], tickets: [228, 227] },
    tasks: { contacts: [204, 203], companies: [192, 191], deals: [216, 215], tickets: [230, 229] },
    calls: { contacts: [194, 193], companies: [182, 181], deals: [206, 205], tickets: [220, 219] },
    meetings: { contacts: [200, 199], companies: [188, 187], deals: [212, 211], tickets: [226, 225] },
    emails: { contacts: [198, 197], companies: [186, 185], deals: [210, 209], tickets: [224, 223] },
    line_items: { deals: [20, 19], quotes: [68, 67] },
    quotes: { contacts: [69, 70], companies: [71, 72], deals: [64, 63] },
};

async function saidAndSold(client) {
    const { objects, associations } = client.crm;
    const { batchApi, schema } = associations.v4;
    const api = 'associations/v4';
    const read = async (from, to, some) => {
        const { results } = await typed(`associations: ${from} to ${to}`, api, () =>
            batchApi.getPageWithHttpInfo(from, to, { inputs: inputs(some) }),
        );
        return results.flatMap(({ _from, to }) =>
            to.map(({ toObjectId, associationTypes }) => ({
                edge: [_from.id, String(toObjectId)],
                types: associationTypes.map((type) => type.typeId),
            })),
        );
    };
    for (const [from, targets] of Object.entries(PAIRS)) {
        const some = ids(await objects.basicApi.getPage(from, 100));
        for (const [to, [forth, back]] of Object.entries(targets)) {
            const there = await read(from, to, some);
            await check(`associations: ${from} to ${to} have the documented type`, () => {
                assert.ok(there.length > 0 && there.every(({ types }) => types.includes(forth)));
            });
            const far = [...new Set(there.map(({ edge }) => edge[1]))].slice(0, 20);
            const here = await read(to, from, far);
            await check(`associations: ${to} to ${from} are the same, under the type of that direction`, () => {
                const known = new Set(here.map(({ edge: [one, other] }) => `${other} ${one}`));
                const asked = there.filter(({ edge }) => far.includes(edge[1]));
                assert.ok(asked.every(({ edge }) => known.has(edge.join(' '))));
                assert.ok(here.every(({ types }) => types.includes(back)));
            });
            for (const [one, other, type] of [
                [from, to, forth],
                [to, from, back],
            ]) {
                const labels = await typed(`associations: labels ${one} to ${other}`, 'associations/v4/schema', () =>
                    schema.definitionsApi.getAllWithHttpInfo(one, other),
                );
                await check(`associations: ${one} to ${other} without a label`, () =>
                    assert.ok(labels.results.some(({ typeId, label }) => typeId === type && label === null)),
                );
            }
        }
    }
    for (const type of ACTIVITIES) await activity(client, type);
}

/** As a sync reads an activity: a window of modified dates, walked by id; and by the contact that it is about. */
async function activity(client, type) {
    const { basicApi, searchApi } = client.crm.objects[type];
    const api = `objects/${type}`;
    const filter = (propertyName, operator, value, highValue) => ({ propertyName, operator, value, highValue });
    const window = filter('hs_lastmodifieddate', 'BETWEEN', '1000000000000', String(Date.now()));
    const walked = [];
    for (;;) {
        const last = walked.at(-1)?.id ?? '0';
        const page = await typed(`${type}: a window walked by id`, api, () =>
            searchApi.doSearchWithHttpInfo({
                filterGroups: [{ filters: [window, filter('hs_object_id', 'GT', last)] }],
                sorts: ['hs_object_id'],
                properties: ['hs_timestamp'],
                limit: 60,
            }),
        );
        walked.push(...page.results);
        if (!page.paging) break;
    }
    const { total } = await searchApi.doSearch({});
    await check(`${type}: the window holds every record, dated as activities are`, () => {
        assert.ok(walked.every(({ id }, n) => n === 0 || BigInt(walked[n - 1].id) < BigInt(id)));
        assert.equal(walked.length, total);
        for (const { createdAt, updatedAt, properties } of walked) {
            assert.equal(new Date(properties.hs_createdate).getTime(), createdAt.getTime());
            assert.equal(new Date(properties.hs_lastmodifieddate).getTime(), updatedAt.getTime());
            assert.ok(!Number.isNaN(Date.parse(properties.hs_timestamp)));
            assert.equal(properties.createdate, undefined);
        }
    });
    const page = await basicApi.getPage(100, undefined, undefined, undefined, ['contacts']);
    const about = page.results.find((row) => row.associations?.contacts);
    const [{ id }] = about.associations.contacts.results;
    const found = await typed(`${type}: searched by contact`, api, () =>
        searchApi.doSearchWithHttpInfo({
            filterGroups: [{ filters: [filter('associations.contact', 'EQ', id)] }],
            limit: 200,
        }),
    );
    await check(`${type}: the search by contact finds it`, () => assert.ok(ids(found).includes(about.id)));
}

/** One company with more contacts than a page holds. */
async function longAssociations(client) {
    const { basicApi, batchApi } = client.crm.associations.v4;
    const company = (await client.crm.companies.basicApi.getPage(1)).results[0].id;
    const walk = async (turn) => {
        const all = [];
        for (let after; ;) {
            const { to, paging } = await turn(after);
            all.push(...to.map((to) => to.toObjectId));
            after = paging?.next.after;
            if (!after) return all;
        }
    };
    const one = await walk(async (after) => {
        const { results, paging } = await typed('associations: page of one record', 'associations/v4', () =>
            basicApi.getPageWithHttpInfo('companies', company, 'contacts', after, 500),
        );
        return { to: results, paging };
    });
    const batch = await walk(
        async (after) =>
            (
                await typed('associations: page in a batch', 'associations/v4', () =>
                    batchApi.getPageWithHttpInfo('companies', 'contacts', { inputs: [{ id: company, after }] }),
                )
            ).results[0],
    );
    await check('associations: both walks tell the same', () => {
        assert.ok(one.length > 1000 && new Set(one).size === one.length);
        assert.deepEqual(batch, one);
    });
}

async function vanished(client) {
    const page = await typed('search: an empty page', 'contacts', () =>
        client.crm.contacts.searchApi.doSearchWithHttpInfo({ limit: 50 }),
    );
    await check('search: an empty page counts, and has a next one', () => {
        assert.deepEqual([page.results, page.paging.next.after, page.paging.next.link], [[], '50', undefined]);
        assert.ok(page.total > 1000);
    });
}

async function metadata(client, custom) {
    const { owners, pipelines, properties, schemas } = client.crm;
    const first = await typed('owners: page', 'owners', () =>
        owners.ownersApi.getPageWithHttpInfo(undefined, undefined, 5),
    );
    await typed('owners: next page', 'owners', () =>
        owners.ownersApi.getPageWithHttpInfo(undefined, first.paging.next.after, 500),
    );
    const [{ id, userId, email }] = first.results;
    await typed('owners: by email', 'owners', () => owners.ownersApi.getPageWithHttpInfo(email));
    await typed('owners: one', 'owners', () => owners.ownersApi.getByIdWithHttpInfo(Number(id)));
    await typed('owners: by user', 'owners', () => owners.ownersApi.getByIdWithHttpInfo(userId, 'userId'));
    const left = await typed('owners: archived', 'owners', () =>
        owners.ownersApi.getPageWithHttpInfo(undefined, undefined, 100, true),
    );
    await check('owners: who left has no user id', () =>
        assert.ok(
            left.results.length > 0 && left.results.every((it) => it.userId === null && it.userIdIncludingInactive),
        ),
    );
    await typed('owners: one archived', 'owners', () =>
        owners.ownersApi.getByIdWithHttpInfo(Number(left.results[0].id), 'id', true),
    );
    await refused('owners: nobody', 'owners', 404, undefined, () => owners.ownersApi.getByIdWithHttpInfo(1));
    for (const type of ['deals', 'tickets', 'leads', 'orders', 'contacts', 'quotes', 'tasks']) {
        const all = await typed(`pipelines: ${type}`, 'pipelines', () =>
            pipelines.pipelinesApi.getAllWithHttpInfo(type),
        );
        for (const pipeline of all.results) {
            await typed(`pipelines: one of ${type}`, 'pipelines', () =>
                pipelines.pipelinesApi.getByIdWithHttpInfo(type, pipeline.id),
            );
            await typed(`stages: ${type}`, 'pipelines', () =>
                pipelines.pipelineStagesApi.getAllWithHttpInfo(type, pipeline.id),
            );
        }
    }
    await refused('pipelines: none', 'pipelines', 404, 'OBJECT_NOT_FOUND', () =>
        pipelines.pipelinesApi.getByIdWithHttpInfo('deals', 'none'),
    );
    const names = {};
    for (const type of [
        'contacts',
        'companies',
        'deals',
        'tickets',
        'products',
        'line_items',
        'quotes',
        'notes',
        'tasks',
        'calls',
        'meetings',
        'emails',
        custom,
    ]) {
        const all = await typed(`properties: ${type}`, 'properties', () => properties.coreApi.getAllWithHttpInfo(type));
        names[type] = all.results.map((property) => property.name);
        await typed(`properties: archived ${type}`, 'properties', () =>
            properties.coreApi.getAllWithHttpInfo(type, true),
        );
        await typed(`properties: groups of ${type}`, 'properties', () => properties.groupsApi.getAllWithHttpInfo(type));
        await typed(`properties: one of ${type}`, 'properties', () =>
            properties.coreApi.getByNameWithHttpInfo(type, 'hs_object_id'),
        );
    }
    await refused('properties: none', 'properties', 404, 'OBJECT_NOT_FOUND', () =>
        properties.coreApi.getByNameWithHttpInfo('deals', 'none'),
    );
    await typed('schemas', 'schemas', () => schemas.coreApi.getAllWithHttpInfo());
    await typed('schemas: archived', 'schemas', () => schemas.coreApi.getAllWithHttpInfo(true));
    await typed('schemas: one', 'schemas', () => schemas.coreApi.getByIdWithHttpInfo(custom));
    return names;
}

/** The SDK has no models for account information; its `apiRequest` reaches it all the same. */
async function account(client) {
    const shape = (value) =>
        Object.fromEntries(Object.entries(value).map(([key, it]) => [key, Array.isArray(it) ? 'array' : typeof it]));
    const get = async (path) => (await client.apiRequest({ path })).json();
    await check('account details', async () => {
        const details = await get('/account-info/v3/details');
        const text = ['accountType', 'companyCurrency', 'dataHostingLocation', 'timeZone', 'uiDomain', 'utcOffset'];
        assert.deepEqual(shape(details), {
            portalId: 'number',
            utcOffsetMilliseconds: 'number',
            additionalCurrencies: 'array',
            ...Object.fromEntries(text.map((key) => [key, 'string'])),
        });
        assert.match(details.utcOffset, /^[+-]\d\d:\d\d$/);
    });
    await check('daily usage', async () => {
        const {
            results: [usage],
        } = await get('/account-info/v3/api-usage/daily/private-apps');
        assert.deepEqual(shape(usage), {
            name: 'string',
            fetchStatus: 'string',
            collectedAt: 'string',
            resetsAt: 'string',
            usageLimit: 'number',
            currentUsage: 'number',
        });
        assert.ok(usage.currentUsage > 0 && new Date(usage.resetsAt) > new Date(usage.collectedAt));
    });
}

async function refusals(client, contacts) {
    const { crm } = client;
    const search = (body) => () => crm.deals.searchApi.doSearchWithHttpInfo(body);
    const filter = (value) => ({ propertyName: 'amount', operator: 'GT', value: String(value) });
    const batch = (some) => () =>
        crm.contacts.batchApi.readWithHttpInfo({ inputs: inputs(some), properties: [], propertiesWithHistory: [] });
    const group = (count) => ({ filters: Array.from({ length: count }, (_, n) => filter(n)) });
    await refused('400: no such type', 'objects', 400, undefined, () =>
        crm.objects.basicApi.getPageWithHttpInfo('butterflies'),
    );
    const invalid = [
        ['the page is too large', 'contacts', () => crm.contacts.basicApi.getPageWithHttpInfo(101)],
        [
            'the page with history is too large',
            'contacts',
            () => crm.contacts.basicApi.getPageWithHttpInfo(100, undefined, undefined, ['email']),
        ],
        ['a cursor that is none', 'contacts', () => crm.contacts.basicApi.getPageWithHttpInfo(10, 'x')],
        [
            'a key that is none',
            'contacts',
            () =>
                crm.contacts.basicApi.getByIdWithHttpInfo('x', undefined, undefined, undefined, undefined, 'firstname'),
        ],
        ['an id twice', 'contacts', batch([contacts[0], contacts[0]])],
        ['too many ids', 'contacts', batch(Array.from({ length: 101 }, (_, n) => String(n)))],
        [
            'no such property',
            'deals',
            search({ filterGroups: [{ filters: [{ ...filter(1), propertyName: 'none' }] }] }),
        ],
        ['six groups', 'deals', search({ filterGroups: Array.from({ length: 6 }, () => group(1)) })],
        ['seven filters', 'deals', search({ filterGroups: [group(7)] })],
        ['nineteen filters', 'deals', search({ filterGroups: [5, 5, 5, 4].map(group) })],
        ['two sorts', 'deals', search({ sorts: ['amount', 'dealname'] })],
        ['the search page is too large', 'deals', search({ limit: 201 })],
        ['beyond ten thousand', 'deals', search({ limit: 100, after: '9950' })],
        ['a long body', 'deals', search({ query: 'x'.repeat(3000) })],
    ];
    for (const [name, api, call] of invalid) await refused(`400: ${name}`, api, 400, 'VALIDATION_ERROR', call);
    const read = (token) => () => connect(fullBase, token).crm.contacts.basicApi.getPageWithHttpInfo(1);
    await refused('401: a token that is none', 'contacts', 401, 'EXPIRED_AUTHENTICATION', read('pat-na1-none'));
    await refused('401: no token', 'contacts', 401, 'INVALID_AUTHENTICATION', read(undefined));
    await refused('403: no custom objects', 'schemas', 403, 'MISSING_SCOPES', () =>
        free.crm.schemas.coreApi.getAllWithHttpInfo(),
    );
}

/** Both limits, hit on purpose; and the SDK's own retries, which must recognise the answers. */
async function limits() {
    wire.paced = false;
    const until = async (most, call) => {
        for (let n = 0; n < most; n += 1) await call();
    };
    await refused('429: a second of searches', 'contacts', 429, 'RATE_LIMITS', () =>
        until(12, () => full.crm.contacts.searchApi.doSearchWithHttpInfo({ limit: 1 })),
    );
    await check('429: nor has a refused search rate headers', () => assert.equal(rateHeaders(), 0));
    await refused('429: ten seconds of calls', 'owners', 429, undefined, () =>
        until(110, () => free.crm.owners.ownersApi.getPageWithHttpInfo()),
    );
    await check('429: the ten-second limit has a name', () => {
        assert.equal(wire.json.policyName, 'TEN_SECONDLY_ROLLING');
        assert.equal(wire.last.headers['retry-after'], undefined);
    });
    // Made last: decorators belong to every API object that is created after this client.
    const patient = connect(fullBase, fullToken, { numberOfApiCallRetries: 4 });
    await check('429: the SDK waits and tries again, which it does only for bodies that it knows', async () => {
        wire.statuses = [];
        const quiet = console.error;
        console.error = () => {};
        const pages = await Promise.all(
            Array.from({ length: 8 }, () => patient.crm.contacts.searchApi.doSearch({ limit: 1 })),
        );
        console.error = quiet;
        assert.ok(pages.every((page) => page.total > 0));
        assert.ok(wire.statuses.includes(429));
    });
    wire.paced = true;
}

async function everything() {
    const custom = (await full.crm.schemas.coreApi.getAll()).results[0].objectTypeId;
    const names = await metadata(full, custom);
    names['objects 0-1'] = names.contacts;
    for (const kind of kinds(full, custom)) {
        const type = kind.name.replace('objects/', '').replace(`objects ${custom}`, custom);
        await records(kind, names[type].slice(0, 60));
    }
    const contacts = await everyContact(full, names.contacts);
    await otherKeys(full);
    await operators(full);
    await associations(full, contacts, custom);
    await saidAndSold(full);
    await longAssociations(odd);
    await vanished(odd);
    await account(full);
    await refusals(full, contacts);
    const tools = { typed, refused, check, compare, models, ids, inputs, wire, version };
    await writing(
        tools,
        full,
        kinds(full, custom).filter(({ name }) => name !== 'objects 0-1'),
    );
    await check('the data held every trap', () => {
        for (const [trap, times] of Object.entries(seen)) assert.ok(times > 0, `no ${trap}`);
    });
    await limits();
    for (const { kind, models, field, reason, met } of exceptions.filter(
        (it) => it.versions?.includes(version) ?? true,
    )) {
        await check(`exception needed: ${kind} ${models} ${field} (${reason})`, () => assert.ok(met, 'never met'));
    }
}

everything()
    .catch((error) =>
        check('the run', () => {
            throw error;
        }),
    )
    .then(() => {
        console.log(
            `node ${version}: ${wire.calls} calls, ${seen.fields} fields compared: ${passed} passed, ${failed} failed`,
        );
        process.exitCode = failed > 0 ? 1 : 0;
    });
