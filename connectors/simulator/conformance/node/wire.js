// What went over the wire, and whether the SDK's typed object holds all of it.

const fs = require('node:fs');
const path = require('node:path');
const { isDeepStrictEqual } = require('node:util');
const exceptions = require('./exceptions.js');

const CODEGEN = path.join(path.dirname(require.resolve('@hubspot/api-client')), 'codegen/crm');

// Milliseconds between two calls: HubSpot allows five searches a second and 190 other calls in ten seconds.
const PACE = { search: 215, other: 58 };

/** Stands below the SDK, where it calls `fetch`: keeps the last answer as it came, paces, and can move the paths. */
class Wire {
    /** `v3` sends calls where the SDK addresses them; a date, where that version has them: `/crm/objects/{date}/…`. */
    constructor(version) {
        this.paced = true;
        this.calls = 0;
        this.statuses = [];
        this.free = { search: 0, other: 0 };
        const fetch = globalThis.fetch;
        globalThis.fetch = async (url, init) => {
            await this.pause(String(url).includes('/search') ? 'search' : 'other');
            const response = await fetch(version === 'v3' ? url : dated(String(url), version), init);
            const text = await response.clone().text();
            this.last = { status: response.status, headers: Object.fromEntries(response.headers), text };
            this.calls += 1;
            this.statuses.push(response.status);
            return response;
        };
    }

    get json() {
        return JSON.parse(this.last.text);
    }

    async pause(lane) {
        if (!this.paced) return;
        const now = Date.now();
        const start = Math.max(now, this.free[lane]);
        this.free[lane] = start + PACE[lane];
        await new Promise((resolve) => setTimeout(resolve, start - now));
    }
}

function dated(url, version) {
    return url
        .replace(/\/crm\/v[34]\/(objects|associations|properties|pipelines|owners)/, `/crm/$1/${version}`)
        .replace(/\/(crm-object-schemas|account-info)\/v3\//, `/$1/${version}/`);
}

/** The models of one API of the SDK, with what its type declarations say is required. */
class Models {
    constructor(api) {
        this.folder = path.join(CODEGEN, api, 'models');
        this.all = require(path.join(this.folder, 'all.js'));
        this.serializer = require(path.join(this.folder, 'ObjectSerializer.js')).ObjectSerializer;
        this.required = new Map();
    }

    /** Names of the fields that a model demands: those declared without a question mark. */
    demands(model) {
        if (!this.required.has(model)) {
            const declaration = fs.readFileSync(path.join(this.folder, `${model}.d.ts`), 'utf8');
            const names = [...declaration.matchAll(/^ {4}'(\w+)': /gm)].map((match) => match[1]);
            this.required.set(model, new Set(names));
        }
        return this.required.get(model);
    }
}

/** One walk over an answer: every field of the wire must be held, with its value, where the model says. */
class Comparison {
    constructor(models, version) {
        this.models = models;
        this.version = version;
        this.fields = 0;
        this.problems = [];
    }

    value(at, wire, held, type, excepted) {
        const bare = type.replace(/ \| null$/, '');
        if (wire === null || wire === undefined) {
            if (held !== wire) this.problem(at, `${wire} came out as ${show(held)}`);
        } else if (bare.startsWith('Array<')) {
            this.list(at, wire, held, bare.slice('Array<'.length, -1));
        } else if (bare.startsWith('{ [key: string]: ')) {
            this.map(at, wire, held, bare.slice('{ [key: string]: '.length, -'; }'.length));
        } else if (bare === 'Date') {
            this.date(at, wire, held);
        } else if (bare === 'any') {
            if (!isDeepStrictEqual(wire, held)) this.problem(at, `${show(wire)} came out as ${show(held)}`);
        } else if (typeof this.models.all[bare] === 'function') {
            this.object(at, wire, held, bare);
        } else {
            this.scalar(at, wire, held, bare, excepted);
        }
    }

    scalar(at, wire, held, type, excepted) {
        const options = this.models.all[type];
        const fits = options ? Object.values(options).includes(wire) : typeof wire === type;
        if (!fits && !excepted?.(wire)) this.problem(at, `${show(wire)} is no ${type}`);
        if (held !== wire) this.problem(at, `${show(wire)} came out as ${show(held)}`);
    }

    date(at, wire, held) {
        const instant = milliseconds(wire);
        if (instant === null) this.problem(at, `${show(wire)} is no instant`);
        else if (!(held instanceof Date) || held.getTime() !== instant)
            this.problem(at, `${wire} came out as ${show(held)}`);
    }

    list(at, wire, held, type) {
        if (!Array.isArray(wire) || !Array.isArray(held) || wire.length !== held.length) {
            return this.problem(at, 'the list came out otherwise');
        }
        wire.forEach((item, n) => this.item(`${at}[${n}]`, item, held[n], type));
    }

    map(at, wire, held, type) {
        if (!plain(wire) || !plain(held) || !isDeepStrictEqual(Object.keys(wire), Object.keys(held))) {
            return this.problem(at, 'the map came out otherwise');
        }
        Object.keys(wire).forEach((key) => this.item(`${at}.${key}`, wire[key], held[key], type));
    }

    item(at, wire, held, type) {
        this.fields += 1;
        if (wire === null && !type.endsWith(' | null')) this.problem(at, `null where the model says ${type}`);
        this.value(at, wire, held, type);
    }

    object(at, wire, held, model) {
        if (!plain(wire) || !(held instanceof this.models.all[model])) return this.problem(at, `is no ${model}`);
        const attributes = new Map(this.models.all[model].getAttributeTypeMap().map((it) => [it.baseName, it]));
        for (const [name, value] of Object.entries(wire)) {
            this.fields += 1;
            const attribute = attributes.get(name);
            const here = `${at}.${name}`;
            if (attribute) {
                const except = (wire) => this.excepted('type', model, name, wire);
                this.value(here, value, held[attribute.name], attribute.type, except);
            } else if (!this.excepted('unknown', model, name, value)) {
                this.problem(here, `${model} does not know it`);
            }
        }
        for (const name of this.models.demands(model)) {
            const { baseName, type } = [...attributes.values()].find((it) => it.name === name);
            const absent = wire[baseName] === undefined || (wire[baseName] === null && !type.endsWith(' | null'));
            if (absent && !this.excepted('missing', model, baseName)) this.problem(at, `${model} demands ${baseName}`);
        }
        const invented = Object.keys(held).filter(
            (name) => ![...attributes.values()].some((it) => it.name === name && it.baseName in wire),
        );
        if (invented.length > 0) this.problem(at, `the SDK invented ${invented}`);
    }

    excepted(kind, model, field, wire) {
        const found = exceptions.find(
            (it) =>
                it.kind === kind &&
                it.field === field &&
                it.models.includes(model) &&
                (it.versions?.includes(this.version) ?? true) &&
                (it.wire?.(wire) ?? true),
        );
        if (found) found.met = true;
        return found !== undefined;
    }

    problem(at, words) {
        // One bad page would otherwise say the same thing a hundred times.
        if (this.problems.length < 5) this.problems.push(`${at}: ${words}`);
    }
}

function plain(value) {
    return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function show(value) {
    return (JSON.stringify(value) ?? String(value)).slice(0, 80);
}

/** An instant as HubSpot writes it, with milliseconds or without, read independently of the SDK's `new Date`. */
function milliseconds(text) {
    const found = /^(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)(?:\.(\d{3}|\d{1,2}))?Z$/.exec(text);
    if (!found) return null;
    const [year, month, day, hour, minute, second] = found.slice(1, 7).map(Number);
    return Date.UTC(year, month - 1, day, hour, minute, second, Number((found[7] ?? '0').padEnd(3, '0')));
}

module.exports = { Wire, Models, Comparison, exceptions };
