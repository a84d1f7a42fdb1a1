// Writes through HubSpot's own SDK: every operation that the simulator has, on records of its own, with every answer held
// against what the SDK made of it, and every write read back.

const assert = require('node:assert/strict');

/** The values of a new record of each type, and one more to write later. */
const RECORDS = {
    contacts: [{ firstname: 'Conny', lastname: 'Formance' }, { jobtitle: 'Checker' }],
    companies: [{ name: 'Conformance' }, { city: 'Dublin' }],
    deals: [{ dealname: 'Conformance', dealstage: 'contractsent', pipeline: 'default' }, { amount: '12.50' }],
    tickets: [{ subject: 'Conformance', hs_pipeline: '0', hs_pipeline_stage: '1' }, { content: 'Help' }],
    products: [
        { name: 'P', description: 'D', price: '1', hs_sku: 'S', hs_folder: 'F' },
        { hs_cost_of_goods_sold: '0.5' },
    ],
    line_items: [{ name: 'L', quantity: '1', price: '2' }, { quantity: '3' }],
    quotes: [{ hs_title: 'Q', hs_expiration_date: '2027-01-01T00:00:00Z' }, { hs_terms: 'None' }],
    'objects/notes': [{ hs_timestamp: '2026-01-01T00:00:00Z', hs_note_body: 'N' }, { hs_note_body: 'M' }],
    'objects/tasks': [{ hs_timestamp: '2026-01-01T00:00:00Z' }, { hs_task_subject: 'T' }],
    'objects/calls': [{ hs_timestamp: '2026-01-01T00:00:00Z' }, { hs_call_title: 'C' }],
    'objects/meetings': [{ hs_timestamp: '2026-01-01T00:00:00Z' }, { hs_meeting_title: 'M' }],
    'objects/emails': [
        { hs_timestamp: '2026-01-01T00:00:00Z', hs_email_direction: 'EMAIL' },
        { hs_email_subject: 'E' },
    ],
    objects: [{ name: 'Machine' }, { serial_number: '7' }],
};

class Writing {
    constructor(tools, client) {
        Object.assign(this, tools, { client });
    }

    /** One call that answers 204 without a body. */
    async silent(name, call) {
        await this.check(name, async () => {
            const info = await call();
            assert.deepEqual([info.httpStatusCode, this.wire.last.status, this.wire.last.text], [204, 204, '']);
            assert.equal(this.wire.last.headers['content-type'], undefined);
        });
    }

    /** A success under a status that the SDK, made for v4, takes for a failure: the body is what its model says all the same. */
    async unexpected(name, api, status, call) {
        await this.check(name, async () => {
            const error = await call().then(
                () => assert.fail('the SDK knows the status by now'),
                (error) => error,
            );
            assert.deepEqual([error.code, this.wire.last.status], [status, status]);
            const model = 'BatchResponseLabelsBetweenObjectPair';
            const held = this.models(api).serializer.deserialize(this.wire.json, model, '');
            this.compare(api, held, model);
        });
    }

    held(name, properties, values) {
        return this.check(name, () =>
            assert.deepEqual(Object.fromEntries(Object.keys(values).map((key) => [key, properties[key]])), values),
        );
    }

    /** Create, update, archive: one by one and in batches. */
    async records({ name, api, at, first }) {
        const [values, more] = RECORDS[api];
        const basic = (method, ...rest) => at.basicApi[`${method}WithHttpInfo`](...first, ...rest);
        const batch = (method, inputs) => at.batchApi[`${method}WithHttpInfo`](...first, { inputs });
        const made = await this.typed(`${name}: create`, api, () =>
            basic('create', { properties: values, associations: [] }),
        );
        await this.held(`${name}: a new record has what was given`, made.properties, values);
        await this.check(`${name}: and what HubSpot filled in`, () =>
            assert.ok(
                this.wire.last.status === 201 && Object.keys(made.properties).length > Object.keys(values).length + 3,
            ),
        );
        const changed = await this.typed(`${name}: update`, api, () => basic('update', made.id, { properties: more }));
        await this.held(`${name}: an update shows what was written`, changed.properties, more);
        const read = await this.typed(`${name}: read back`, api, () =>
            basic('getById', made.id, [...Object.keys(values), ...Object.keys(more)]),
        );
        await this.held(`${name}: and it was`, read.properties, { ...values, ...more });
        await this.silent(`${name}: archive`, () => basic('archive', made.id));
        await this.refused(`${name}: what is archived is not updated`, api, 404, undefined, () =>
            basic('update', made.id, { properties: more }),
        );
        const traced = Array.from({ length: 12 }, (_, n) => ({
            properties: values,
            associations: [],
            objectWriteTraceId: String(n),
        }));
        const many = await this.typed(`${name}: batch create`, api, () => batch('create', traced));
        const updates = this.ids(many).map((id) => ({ id, properties: more }));
        const updated = await this.typed(`${name}: batch update`, api, () => batch('update', updates));
        await this.check(`${name}: a batch answers each record once, in an order of its own`, () => {
            assert.deepEqual(this.ids(updated).sort(), this.ids(many).sort());
            assert.notDeepEqual(
                this.ids(updated),
                updates.map(({ id }) => id),
            );
        });
        const partial = await this.typed(`${name}: batch update, some missing`, api, () =>
            batch('update', [updates[0], { id: '7', properties: more, objectWriteTraceId: 'seven' }]),
        );
        await this.check(`${name}: the missing ones share an item with their trace ids`, () => {
            assert.deepEqual([this.wire.last.status, partial.numErrors, this.ids(partial)], [207, 1, [updates[0].id]]);
            assert.deepEqual(partial.errors[0].context, { ids: ['7'], objectWriteTraceId: ['seven'] });
        });
        await this.silent(`${name}: batch archive`, () => batch('archive', this.inputs(this.ids(many))));
        await this.refused(`${name}: a property that is none`, api, 400, 'VALIDATION_ERROR', () =>
            basic('create', { properties: { ...values, nowhere: 'x' }, associations: [] }),
        );
    }

    /** Emails are keys: conflicts with the id of who holds them, or without. */
    async conflicts() {
        const { basicApi, batchApi } = this.client.crm.contacts;
        const email = `taken.${this.version}@conformance.example`;
        const properties = { email: email.toUpperCase() };
        const holder = await this.typed('contacts: an email', 'contacts', () =>
            basicApi.createWithHttpInfo({ properties, associations: [] }),
        );
        await this.held('contacts: an email is kept in lower case', holder.properties, { email });
        const said = `Contact already exists. Existing ID: ${holder.id}`;
        await this.refused('contacts: an email twice', 'contacts', 409, 'CONFLICT', () =>
            basicApi.createWithHttpInfo({ properties, associations: [] }),
        );
        await this.check('contacts: the refusal says who holds it', () => assert.equal(this.wire.json.message, said));
        const input = (properties, trace) => ({ properties, associations: [], objectWriteTraceId: trace });
        const create = (inputs) => batchApi.createWithHttpInfo({ inputs });
        await this.refused('contacts: a batch without trace ids', 'contacts', 409, 'CONFLICT', () =>
            create([input(properties), input({ firstname: 'Never' })]),
        );
        await this.check('contacts: and does not', () =>
            assert.equal(this.wire.json.message, 'Contact already exists'),
        );
        const partial = await this.typed('contacts: a batch with trace ids', 'contacts', () =>
            create([input(properties, '0'), input({ firstname: 'Made' }, '1'), input({ nowhere: 'x' }, '2')]),
        );
        await this.check('contacts: each input stands alone', () => {
            assert.deepEqual([this.wire.last.status, partial.results.length, partial.numErrors], [207, 1, 2]);
            const [conflict, invalid] = ['CONFLICT', 'VALIDATION_ERROR'].map((category) =>
                partial.errors.find((error) => error.category === category),
            );
            assert.deepEqual(conflict.context, { objectWriteTraceId: ['0'], existingId: [holder.id] });
            assert.deepEqual([conflict.message, invalid.context], [said, { objectWriteTraceId: ['2'] }]);
            assert.equal(invalid.errors[0].code, 'PROPERTY_DOESNT_EXIST');
        });
        await this.typed('contacts: update by email', 'contacts', () =>
            basicApi.updateWithHttpInfo(email, { properties: { city: 'Cork' } }, 'email'),
        );
        return holder.id;
    }

    /** A property of its own, the unique key of upserts; changed and archived in the end. */
    async properties() {
        const { coreApi } = this.client.crm.properties;
        const name = `conformance_key_${this.version.replace('-', '_')}`;
        const definition = {
            name,
            label: 'Conformance key',
            type: 'string',
            fieldType: 'text',
            groupName: 'contactinformation',
            description: 'Made by a test',
            hasUniqueValue: true,
        };
        const made = await this.typed('properties: create', 'properties', () =>
            coreApi.createWithHttpInfo('contacts', definition),
        );
        await this.held('properties: it is what was asked for', made, definition);
        await this.refused('properties: a name twice', 'properties', 409, 'OBJECT_ALREADY_EXISTS', () =>
            coreApi.createWithHttpInfo('contacts', definition),
        );
        const options = [
            { label: 'One', value: '1', displayOrder: 0, hidden: false },
            { label: 'Two', value: '2', displayOrder: 1, hidden: false },
        ];
        const choice = { ...definition, name: `${name}_choice`, type: 'enumeration', fieldType: 'select', options };
        await this.typed('properties: create a choice', 'properties', () =>
            coreApi.createWithHttpInfo('contacts', { ...choice, hasUniqueValue: false }),
        );
        const changed = await this.typed('properties: change', 'properties', () =>
            coreApi.updateWithHttpInfo('contacts', choice.name, { label: 'Other', options: options.slice(1) }),
        );
        await this.check('properties: the list of options was replaced', () => {
            assert.deepEqual([changed.label, changed.options.map((it) => it.value)], ['Other', ['2']]);
        });
        await this.silent('properties: archive', () => coreApi.archiveWithHttpInfo('contacts', choice.name));
        await this.upserts(name);
        await this.silent('properties: archive the key', () => coreApi.archiveWithHttpInfo('contacts', name));
    }

    async upserts(key) {
        const { batchApi } = this.client.crm.contacts;
        const input = (id, n) => ({
            id,
            idProperty: key,
            properties: { firstname: id },
            objectWriteTraceId: String(n),
        });
        const upsert = (inputs) => () => batchApi.upsertWithHttpInfo({ inputs });
        const first = await this.typed('upsert: makes', 'contacts', upsert(['a', 'b'].map(input)));
        const second = await this.typed('upsert: finds', 'contacts', upsert(['b', 'c'].map(input)));
        const news = ({ results }) => results.map((row) => [row.properties.firstname, row._new]).sort();
        await this.check('upsert: what is new says so', () => {
            assert.deepEqual(news(first), [
                ['a', true],
                ['b', true],
            ]);
            assert.deepEqual(news(second), [
                ['b', false],
                ['c', true],
            ]);
            assert.ok(second.results.every((row) => row.objectWriteTraceId !== undefined));
        });
        const partial = await this.typed(
            'upsert: partial',
            'contacts',
            upsert([input('a', 0), { ...input('d', 1), properties: { nowhere: 'x' } }]),
        );
        await this.check('upsert: the input that failed is named', () =>
            assert.deepEqual(partial.errors[0].context, { objectWriteTraceId: ['1'] }),
        );
        await this.refused(
            'upsert: one record twice',
            'contacts',
            400,
            'VALIDATION_ERROR',
            upsert(['a', 'a'].map(input)),
        );
    }

    /** Labels set, replaced and removed; and the batches of them. */
    async associations() {
        const { crm } = this.client;
        const { basicApi, batchApi, schema } = crm.associations.v4;
        const api = 'associations/v4';
        const create = async (at, properties) => (await at.basicApi.create({ properties, associations: [] })).id;
        const contact = await create(crm.contacts, { firstname: 'Linked' });
        const [one, two] = [await create(crm.companies, { name: 'One' }), await create(crm.companies, { name: 'Two' })];
        const pair = ['contacts', contact, 'companies', one];
        const type = (associationTypeId, associationCategory = 'HUBSPOT_DEFINED') => ({
            associationCategory,
            associationTypeId,
        });
        const types = async (company) => {
            const { results } = await basicApi.getPage('contacts', contact, 'companies');
            const found = results.find((row) => String(row.toObjectId) === company);
            return (found?.associationTypes ?? []).map((it) => it.typeId).sort((a, b) => a - b);
        };
        const is = (name, company, expected) =>
            this.check(`associations: ${name}`, async () => assert.deepEqual(await types(company), expected));
        const made = await this.typed('associations: a new label', 'associations/v4/schema', () =>
            schema.definitionsApi.createWithHttpInfo('contacts', 'companies', {
                label: `Buys ${this.version}`,
                name: `buys_${this.version.replace('-', '_')}`,
                inverseLabel: `Sells ${this.version}`,
            }),
        );
        const label = made.results[0].typeId;
        await this.typed('associations: default', api, () => basicApi.createDefaultWithHttpInfo(...pair));
        await is('the first company is the primary one', one, [1, 279]);
        const set = await this.typed('associations: set labels', api, () =>
            basicApi.createWithHttpInfo(...pair, [type(label, 'USER_DEFINED')]),
        );
        await this.check('associations: the label is told', () =>
            assert.deepEqual(set.labels, [`Buys ${this.version}`]),
        );
        await is(
            'what is not named is gone',
            one,
            [label, 279].sort((a, b) => a - b),
        );
        const input = (from, to, ...types) => ({ _from: { id: from }, to: { id: to }, types });
        const batch = (inputs) => () => batchApi.createWithHttpInfo('contacts', 'companies', { inputs });
        const both = batch([input(contact, one, type(1)), input(contact, two, type(279))]);
        if (this.version === '2026-09') await this.unexpected('associations: batch', api, 200, both);
        else await this.typed('associations: batch', api, both);
        const partial = await this.typed(
            'associations: batch, some wrong',
            api,
            batch([input(contact, two, type(1)), input(contact, '7', type(279)), input('none', two, type(279))]),
        );
        await this.check('associations: each wrong pair is an item', () =>
            assert.deepEqual([this.wire.last.status, partial.results.length, partial.numErrors], [207, 1, 2]),
        );
        await is('a new primary', two, [1, 279]);
        await is('demotes the old one', one, [279]);
        await this.typed('associations: batch default', api, () =>
            batchApi.createDefaultWithHttpInfo('contacts', 'companies', { inputs: [input(contact, one)] }),
        );
        await this.silent('associations: batch, labels removed', () =>
            batchApi.archiveLabelsWithHttpInfo('contacts', 'companies', { inputs: [input(contact, two, type(1))] }),
        );
        await is('without its label', two, [279]);
        await this.silent('associations: removed', () => basicApi.archiveWithHttpInfo(...pair));
        await is('removed', one, []);
        await this.silent('associations: batch removed', () =>
            batchApi.archiveWithHttpInfo('contacts', 'companies', {
                inputs: [{ _from: { id: contact }, to: [{ id: one }, { id: two }] }],
            }),
        );
        await is('all removed', two, []);
        await this.refused('associations: the wrong direction', api, 400, 'VALIDATION_ERROR', () =>
            basicApi.createWithHttpInfo(...pair, [type(280)]),
        );
        const deal = { dealname: 'Linked', dealstage: 'contractsent' };
        await this.typed('associations: in the body of a create', 'deals', () =>
            crm.deals.basicApi.createWithHttpInfo({
                properties: deal,
                associations: [{ to: { id: contact }, types: [type(3)] }],
            }),
        );
        await this.check('associations: and they are there', async () => {
            const { results } = await basicApi.getPage('deals', this.wire.json.id, 'contacts');
            assert.deepEqual(
                results.map((row) => String(row.toObjectId)),
                [contact],
            );
        });
    }

    async mergeAndForget(other) {
        const { contacts, companies, deals, tickets } = this.client.crm;
        for (const [api, at] of Object.entries({ contacts, companies, deals, tickets })) {
            const ids = [];
            for (let n = 0; n < 2; n += 1) {
                ids.push((await at.basicApi.create({ properties: RECORDS[api][0], associations: [] })).id);
            }
            const merged = await this.typed(`${api}: merge`, api, () =>
                at.basicApi.mergeWithHttpInfo({ primaryObjectId: ids[0], objectIdToMerge: ids[1] }),
            );
            const survivor = await at.basicApi.getById(ids[1]);
            await this.check(`${api}: both ids lead to the survivor`, () => assert.equal(survivor.id, merged.id));
        }
        await this.silent('contacts: forget', () => contacts.basicApi.purgeWithHttpInfo({ objectId: other }));
        await this.refused('contacts: forgotten', 'contacts', 404, undefined, () =>
            contacts.basicApi.getByIdWithHttpInfo(other),
        );
    }

    /** Dates that are no midnight: rewritten with a warning since 2026-09, refused before. */
    async dates() {
        const { basicApi } = this.client.crm.deals;
        const odd = { dealname: 'Odd', dealstage: 'contractsent', closedate: '2026-01-01T00:00:00+02:00' };
        const call = () => basicApi.createWithHttpInfo({ properties: odd, associations: [] });
        if (this.version !== '2026-09') {
            await this.refused('deals: an odd date', 'deals', 400, 'VALIDATION_ERROR', call);
            return;
        }
        const made = await this.typed('deals: an odd date', 'deals', call);
        await this.held('deals: an odd date is rewritten', made.properties, { closedate: '2025-12-31T22:00:00Z' });
        await this.check('deals: with a warning', () =>
            assert.deepEqual(
                this.wire.json.warnings.map((it) => [it.category, it.context.propertyName]),
                [['PROPERTY_VALUE_NORMALIZED', 'closedate']],
            ),
        );
    }
}

/** Everything that can be written. */
async function writing(tools, client, kinds) {
    const run = new Writing(tools, client);
    for (const kind of kinds) await run.records(kind);
    const contact = await run.conflicts();
    await run.properties();
    await run.associations();
    await run.mergeAndForget(contact);
    await run.dates();
}

module.exports = { writing };
