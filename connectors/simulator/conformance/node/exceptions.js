// Where the models that HubSpot generates are known to be wrong about what its API sends.
//
// Nothing else is overlooked, and each of these must be met at least once in a run: an exception that the SDK no longer
// needs fails the run until it is taken out.
//   unknown: the wire has a field that the model lacks
//   missing: the model demands a field that the wire leaves out
//   type:    the wire has another JSON type than the model says

const RECORDS = ['SimplePublicObject', 'SimplePublicObjectWithAssociations', 'SimplePublicUpsertObject'];

module.exports = [
    {
        kind: 'type',
        models: ['MultiAssociatedObjectWithLabel'],
        field: 'toObjectId',
        wire: Number.isSafeInteger,
        reason: 'the far id of an association is a JSON number; the description calls it a string',
    },
    {
        kind: 'type',
        models: ['LabelsBetweenObjectPair'],
        field: 'fromObjectId',
        wire: Number.isSafeInteger,
        reason: 'the ids of a labelled pair have been recorded as JSON numbers; the description calls them strings',
    },
    {
        kind: 'type',
        models: ['LabelsBetweenObjectPair'],
        field: 'toObjectId',
        wire: Number.isSafeInteger,
        reason: 'as for fromObjectId',
    },
    {
        kind: 'missing',
        models: ['StandardError'],
        field: 'links',
        reason: 'an error of a batch item has been recorded with status, category, message and context only',
    },
    { kind: 'missing', models: ['StandardError'], field: 'errors', reason: 'as for links' },
    {
        kind: 'missing',
        models: ['StandardError'],
        field: 'context',
        reason: 'the error item of an id that is no id has been recorded without context',
    },
    {
        kind: 'unknown',
        models: ['ModelError'],
        field: 'status',
        wire: (value) => value === 'error',
        reason: 'every error body begins with "status":"error"; the description leaves it out',
    },
    {
        kind: 'missing',
        models: ['ModelError'],
        field: 'category',
        reason: '404s of numeric ids, 400s of unknown object types and documented 429s have no category',
    },
    {
        kind: 'unknown',
        models: ['ModelError'],
        field: 'errorType',
        wire: (value) => value === 'RATE_LIMIT',
        reason: 'the documented 429 has errorType instead of category',
    },
    { kind: 'unknown', models: ['ModelError'], field: 'policyName', reason: 'the documented 429 names the limit' },
    { kind: 'unknown', models: ['ModelError'], field: 'requestId', reason: 'the documented 429 names the request' },
    {
        kind: 'unknown',
        models: RECORDS,
        field: 'url',
        versions: ['2026-03', '2026-09'],
        reason: 'date-based versions add the address of the record in the CRM; the SDK has the models of v3',
    },
    {
        kind: 'unknown',
        models: ['SimplePublicObject'],
        field: 'warnings',
        versions: ['2026-09'],
        reason: 'it says which values it rewrote; the SDK has the models of v3',
    },
    {
        kind: 'unknown',
        models: ['Property'],
        field: 'dataSensitivity',
        reason: 'the properties API sends it; the model of this SDK version does not have it',
    },
];
