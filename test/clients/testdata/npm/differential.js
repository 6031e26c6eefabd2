// Compares the program with graphql-js, the reference implementation of GraphQL. The
// schema is built from the program's own introspection, and the data of the family is
// read from it once; from then on both answer the same documents from the same data.
// The documents are drawn at random, as many as the first argument says, from the seed
// that is the second; about a third are broken on purpose. Each document on which the
// two disagree is written as one line of JSON, and the last line counts what was compared.
import {
  buildClientSchema,
  execute,
  getIntrospectionQuery,
  getNamedType,
  isInputObjectType,
  isEnumType,
  isLeafType,
  isListType,
  isNonNullType,
  isObjectType,
  isRequiredArgument,
  isRequiredInputField,
  parse,
  validate,
} from 'graphql';

const family = JSON.parse(process.env.FAMILY);
const documents = Number(process.argv[2]);
const random = generator(Number(process.argv[3]));

async function post(request) {
  const answer = await fetch(family.url, {
    method: 'POST',
    headers: {
      Accept: 'application/graphql-response+json',
      Authorization: `Bearer ${family.token}`,
      'Content-Type': 'application/json',
    },
    body: JSON.stringify(request),
  });
  return answer.json();
}

async function data(query, variables) {
  const result = await post({ query, variables });
  if (result.errors) throw new Error(JSON.stringify(result.errors));
  return result.data;
}

// ---- Chance ------------------------------------------------------------------

// generator is mulberry32: numbers from 0 to 1 that a seed determines.
function generator(seed) {
  return () => {
    seed = (seed + 0x6d2b79f5) | 0;
    let t = Math.imul(seed ^ (seed >>> 15), 1 | seed);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

const chance = (p) => random() < p;
const below = (n) => Math.floor(random() * n);
const pick = (list) => list[below(list.length)];

// ---- The schema and the data of graphql-js -----------------------------------

const schema = buildClientSchema(
  await data(
    getIntrospectionQuery({ specifiedByUrl: true, directiveIsRepeatable: true, schemaDescription: true, inputValueDeprecation: true, oneOf: true }),
  ),
);

// Objects of these types are told apart by their ids and stand in one place.
const entities = { User: new Map(), ChildUser: new Map(), Device: new Map(), Devlog: new Map() };

// everyPlainField selects what a type tells without arguments; of another object that
// has an id, the id alone.
function everyPlainField(type) {
  return Object.values(type.getFields())
    .filter((field) => field.args.length === 0)
    .map((field) => {
      const named = getNamedType(field.type);
      if (isLeafType(named)) return field.name;
      return `${field.name} { ${named.name in entities ? '__typename id' : everyPlainField(named)} }`;
    })
    .join(' ');
}

const fields = (name) => `__typename ${everyPlainField(schema.getType(name))}`;

function keep(object) {
  entities[object.__typename].set(object.id, object);
  return object;
}

const read = await data(`{ me { ${fields('User')} } childUsers { ${fields('ChildUser')} device { ${fields('Device')} } } }`);
const me = keep(read.me);
const children = read.childUsers.map(keep);
const places = new Map(); // the number of the log that a cursor names
const messagePlaces = new Map(); // the same of messages
for (const child of children) {
  if (child.device) keep(child.device);
  child.edges = [];
  for (let after = null, more = true; more; ) {
    const page = await data(
      `query($id: ID!, $after: String) { childUser(id: $id) { devlogs(first: 100, after: $after) {
        edges { cursor node { ${fields('Devlog')} device { ${fields('Device')} } } } pageInfo { hasNextPage endCursor } } } }`,
      { id: child.id, after },
    );
    const { edges, pageInfo } = page.childUser.devlogs;
    for (const { cursor, node } of edges) places.set(cursor, Number(keep(node).id));
    for (const { node } of edges) if (!entities.Device.has(node.device.id)) keep(node.device);
    child.edges.push(...edges);
    more = pageInfo.hasNextPage;
    after = pageInfo.endCursor;
  }
}

// What has changed in the logs of each child, oldest change first.
const changeCursors = [];
for (const child of children) {
  child.changes = [];
  for (let updatedAfter = '', more = true; more; ) {
    const page = await data(
      `query($id: ID!, $updatedAfter: String) { childUser(id: $id) { devlogs(first: 100, updatedAfter: $updatedAfter) {
        edges { cursor node { __typename id } } pageInfo { hasNextPage endCursor } } } }`,
      { id: child.id, updatedAfter },
    );
    const { edges, pageInfo } = page.childUser.devlogs;
    child.changes.push(...edges.map(({ cursor, node }) => ({ __typename: 'DevlogEdge', cursor, node: entities.Devlog.get(node.id) })));
    more = pageInfo.hasNextPage;
    updatedAfter = pageInfo.endCursor;
  }
  changeCursors.push(...child.changes.map(({ cursor }) => cursor));
}

const { messages } = (
  await data(`{ me { messages(first: 100) { edges { cursor node { ${fields('Message')} } } } } }`)
).me;
for (const { cursor, node } of messages.edges) messagePlaces.set(cursor, Number(node.id));
me.edges = messages.edges;

// paged gives a page of edges, newest first. A cursor is the place of a log or a message, and
// says where to read on in the logs of another child as well.
function paged(edges, places, { first = null, after = null, last = null, before = null }) {
  if (first !== null && last !== null) throw new Error('first and last');
  for (const size of [first, last]) if (size !== null && (size < 0 || size > 100)) throw new Error('page size');
  for (const cursor of [after, before]) if (cursor !== null && !places.has(cursor)) throw new Error('cursor');
  const start = after === null ? 0 : edges.filter((edge) => places.get(edge.cursor) >= places.get(after)).length;
  const end = before === null ? edges.length : edges.filter((edge) => places.get(edge.cursor) > places.get(before)).length;
  const between = [start, Math.max(start, end)];
  if (last !== null) between[0] = Math.max(between[0], between[1] - last);
  else between[1] = Math.min(between[1], between[0] + (first ?? 20));
  const page = edges.slice(...between);
  return {
    edges: page,
    pageInfo: {
      hasNextPage: between[1] < edges.length,
      hasPreviousPage: between[0] > 0,
      startCursor: page[0]?.cursor ?? null,
      endCursor: page.at(-1)?.cursor ?? null,
    },
  };
}

// changed gives a page of changes. A cursor is a place among those of the child alone.
function changed(changes, { first = null, after = null, last = null, before = null, updatedAfter }) {
  if (after !== null || last !== null || before !== null) throw new Error('first alone');
  if (first !== null && (first < 0 || first > 100)) throw new Error('page size');
  const start = updatedAfter === '' ? 0 : changes.findIndex(({ cursor }) => cursor === updatedAfter) + 1;
  if (updatedAfter !== '' && start === 0) throw new Error('cursor');
  const page = changes.slice(start, start + (first ?? 20));
  return {
    edges: page,
    pageInfo: {
      hasNextPage: start + page.length < changes.length,
      hasPreviousPage: false,
      startCursor: page[0]?.cursor ?? null,
      endCursor: page.at(-1)?.cursor ?? null,
    },
  };
}

const { errorCodes } = await data('{ errorCodes }');

const roots = {
  errorCodes: () => errorCodes,
  node: ({ id }) => {
    const all = Object.values(entities).flatMap((ofType) => [...ofType.values()]);
    const found = all.find((object) => object.globalId === String(id));
    if (!found) throw new Error('no such object');
    return found;
  },
  me: () => me,
  childUsers: () => children,
  childUser: ({ id }) => {
    if (!entities.ChildUser.has(String(id))) throw new Error('no such child');
    return entities.ChildUser.get(String(id));
  },
  checkDevice: ({ uniqueId }) => {
    const device = children.map((child) => child.device).find((device) => device?.uniqueId === uniqueId);
    if (!device) throw new Error('no such device');
    return { __typename: 'DeviceCheck', status: 'CONNECTION_CONFIRMED', device };
  },
};
for (const name of Object.keys(schema.getQueryType().getFields())) {
  if (!(name in roots)) throw new Error(`graphql-js has no data for Query.${name}: give it a root above`);
}

// resolve reads a field of the data; an object with an id is read from its one place.
function resolve(source, args, context, info) {
  if (info.parentType === schema.getQueryType()) return roots[info.fieldName](args);
  if (info.parentType.name === 'ChildUser' && info.fieldName === 'devlogs') {
    return (args.updatedAfter ?? null) === null ? paged(source.edges, places, args) : changed(source.changes, args);
  }
  if (info.parentType.name === 'User' && info.fieldName === 'messages') return paged(source.edges, messagePlaces, args);
  const whole = (value) => (value && entities[value.__typename]?.get(value.id)) ?? value;
  const value = source[info.fieldName];
  return Array.isArray(value) ? value.map(whole) : whole(value);
}

// ---- Documents ---------------------------------------------------------------

const globalIds = Object.values(entities).map((ofType) => [...ofType.values()][0].globalId);
const ids = [...globalIds, ...children.map((child) => child.id), ...children.map((child) => child.id), '999999', 'x', ''];
const cursors = [...places.keys(), ...messagePlaces.keys()];
const typeNames = Object.keys(schema.getTypeMap()).filter((name) => !name.startsWith('__'));

// value draws one that fits the type, as it is written in JSON. Where it can name
// something that exists, it does more often than not.
function value(type, name) {
  if (isNonNullType(type)) return value(type.ofType, name);
  if (isListType(type)) return chance(0.2) ? value(type.ofType, name) : Array.from({ length: below(3) }, () => value(type.ofType, name));
  if (isEnumType(type)) return pick(type.getValues()).name;
  if (isInputObjectType(type)) {
    const object = {};
    for (const field of Object.values(type.getFields())) {
      if (isRequiredInputField(field) || chance(0.4)) object[field.name] = maybeNull(field.type, field.name);
    }
    return object;
  }
  if (name === 'after' || name === 'before') return chance(0.9) ? pick(cursors) : 'nowhere';
  if (name === 'updatedAfter') return chance(0.9) ? pick(['', '', ...changeCursors]) : pick(['nowhere', ...cursors]);
  if (name === 'uniqueId') return chance(0.7) ? family.uniqueId : 'nothing';
  switch (type.name) {
    case 'ID':
      return chance(0.2) ? Number(pick(children).id) : pick(ids);
    case 'Int':
      return pick([1, 2, 3, 5, 10, 100, 0, -1, 101, 2147483647]);
    case 'Float':
      return pick([0, 1.5, -2]);
    case 'Boolean':
      return chance(0.5);
    case 'Date':
      return '2019-03-02';
    case 'DateTime':
      return '2025-02-21T15:48:49Z';
    case 'LocalDateTime':
      return '2025-02-21T15:48:49';
    default:
      return name === 'name' ? pick(typeNames) : pick(['a', '', 'é"\\\n', '한글']);
  }
}

const maybeNull = (type, name) => (!isNonNullType(type) && chance(0.1) ? null : value(type, name));

// misfit draws a value that seldom fits.
const misfit = () => pick([null, 1, 1.5, 600.0, 1e99, '1', 'x', true, [], [1], {}, { a: 1 }, 2147483648, [null]]);

// literal writes a value into a document.
function literal(type, v) {
  if (type && isNonNullType(type)) return literal(type.ofType, v);
  if (v === null) return 'null';
  if (Array.isArray(v)) return `[${v.map((e) => literal(type && isListType(type) ? type.ofType : type, e)).join(', ')}]`;
  if (type && isListType(type)) return literal(type.ofType, v);
  if (type && isEnumType(type) && typeof v === 'string' && /^\w+$/.test(v)) return v;
  if (typeof v === 'object') {
    const fields = type && isInputObjectType(type) ? type.getFields() : {};
    return `{${Object.entries(v)
      .map(([name, e]) => `${name}: ${literal(fields[name]?.type, e)}`)
      .join(', ')}}`;
  }
  return JSON.stringify(v);
}

// Drawing writes one document. What it holds is kept together, because a variable or a
// fragment that a selection uses has to be declared beside it.
class Drawing {
  constructor() {
    this.variables = new Map(); // name → { type, given, value, default }
    this.fragments = [];
    this.aliases = 0;
    this.size = 0;
  }

  // argument writes a value of the type, now and then as a variable.
  argument(type, name) {
    if (!chance(0.3)) return literal(type, maybeNull(type, name));
    const variable = `v${this.variables.size}`;
    const declared = { type: String(type), given: true, value: maybeNull(type, name), default: undefined };
    if (chance(0.3)) {
      if (isNonNullType(type) && chance(0.5)) declared.type = String(type.ofType);
      declared.default = value(type, name);
      declared.defaultType = type;
    }
    if (chance(0.1)) declared.value = misfit();
    if (chance(declared.default === undefined ? 0.1 : 0.5)) declared.given = false;
    this.variables.set(variable, declared);
    return `$${variable}`;
  }

  directives() {
    if (!chance(0.12)) return '';
    const boolean = schema.getDirective('skip').args[0].type;
    return ` @${pick(['skip', 'include'])}(if: ${this.argument(boolean, 'if')})`;
  }

  field(field, depth) {
    const named = getNamedType(field.type);
    this.size++;
    const given = field.args.filter((arg) => isRequiredArgument(arg) || chance(0.3));
    const args = given.map((arg) => `${arg.name}: ${this.argument(arg.type, arg.name)}`);
    // What depends on arguments stands under a name of its own, or it would conflict.
    const alias = args.length > 0 || chance(0.15) ? `a${this.aliases++}: ` : '';
    // graphql-js 16 executes the directives at a subscription's root while it validates,
    // and throws where they have a variable.
    const directives = field === this.root ? '' : this.directives();
    const written = alias + field.name + (args.length ? `(${args.join(', ')})` : '') + directives;
    return isLeafType(named) ? written : `${written} ${this.selections(named, depth - 1)}`;
  }

  selections(type, depth) {
    const candidates = Object.values(type.getFields()).filter((field) => depth > 0 || isLeafType(getNamedType(field.type)));
    const chosen = Array.from({ length: 1 + below(4) }, () => {
      if (candidates.length === 0 || chance(0.08)) return '__typename';
      const composite = candidates.filter((field) => !isLeafType(getNamedType(field.type)));
      const field = pick(composite.length > 0 && chance(0.5) ? composite : candidates);
      if (chance(0.1)) return `... ${chance(0.7) ? `on ${type.name} ` : ''}${this.directives()} { ${this.field(field, depth)} }`;
      if (chance(0.08)) {
        const name = `F${this.fragments.length}`;
        this.fragments.push('');
        this.fragments[Number(name.slice(1))] = `fragment ${name} on ${type.name} { ${this.field(field, depth)} }`;
        return `...${name}${this.directives()}`;
      }
      return this.field(field, depth);
    });
    return `{ ${chosen.join(' ')} }`;
  }

  // introspection selects of the program's own description.
  introspection() {
    const plain = { __Type: 'kind name specifiedByURL isOneOf', __Field: 'name description isDeprecated deprecationReason',
      __InputValue: 'name description defaultValue isDeprecated deprecationReason',
      __EnumValue: 'name description isDeprecated deprecationReason' };
    const type = (depth) =>
      `{ ${plain.__Type} ${depth > 0 ? `ofType ${type(depth - 1)} ${pick([
        `fields${chance(0.5) ? '(includeDeprecated: true)' : ''} { ${plain.__Field} type ${type(depth - 1)} args { ${plain.__InputValue} type ${type(0)} } }`,
        `inputFields { ${plain.__InputValue} type ${type(depth - 1)} }`,
        `enumValues${chance(0.5) ? '(includeDeprecated: true)' : ''} { ${plain.__EnumValue} }`,
        `interfaces ${type(0)} possibleTypes ${type(0)}`,
      ])}` : ''} }`;
    if (chance(0.2)) return `__schema { description queryType ${type(1)} mutationType ${type(1)} subscriptionType ${type(1)} directives { name description locations isRepeatable args { ${plain.__InputValue} type ${type(1)} } } }`;
    return `__type(name: ${JSON.stringify(chance(0.95) ? pick(typeNames) : 'Nothing')}) ${type(2)}`;
  }

  // operation writes what was drawn behind its declarations.
  operation(kind, name, selections) {
    const declared = [...this.variables].map(
      ([variable, v]) => `$${variable}: ${v.type}${v.default === undefined ? '' : ` = ${literal(v.defaultType, v.default)}`}`,
    );
    return `${kind} ${name}${declared.length ? `(${declared.join(', ')})` : ''} ${selections}\n${this.fragments.join('\n')}`;
  }
}

function query() {
  const drawing = new Drawing();
  const selections = chance(0.12) ? `{ ${drawing.introspection()} }` : drawing.selections(schema.getQueryType(), 4);
  const variables = {};
  for (const [name, v] of drawing.variables) if (v.given) variables[name] = v.value;
  return { query: drawing.operation('query', 'Q', selections), variables };
}

// change draws a mutation or a subscription. It is validated and never executed: the
// operation that runs is another one of the same document.
function change() {
  const drawing = new Drawing();
  const subscription = chance(0.2);
  const type = subscription ? schema.getSubscriptionType() : schema.getMutationType();
  const root = pick(Object.values(type.getFields()));
  if (subscription) drawing.root = root;
  const selections = `{ ${drawing.field(root, 3)} }`;
  const operation = drawing.operation(subscription ? 'subscription' : 'mutation', 'M', selections);
  return { query: `query Q { __typename }\n${operation}`, variables: {}, operationName: 'Q' };
}

// broken changes a document in a way that mostly makes it invalid.
const broken = [
  (d) => d.replace(/\b(id|firstName|status|cursor)\b(?!:)/, 'nothing'),
  (d) => d.replace(/\b(id|firstName|status)\b(?!:)/, '$1 { id }'),
  (d) => d.replace(/\b(me|childUsers|device|pageInfo|policy)\b \{/, '$1 #'),
  (d) => d.replace(/\((\w+): /, '(nothing: '),
  (d) => d.replace(/\((\w+): [^()]*\)/, ''),
  (d) => d.replace(/\((\w+): ([^(),]*)\)/, '($1: $2, $1: $2)'),
  (d) => d.replace(/(first|last): [^,)]*/, `$1: ${pick(['"1"', '1.0', '[1]', 'true', '{a: 1}', 'null', '99999999999', 'ONE'])}`),
  (d) => d.replace(/id: [^,)]*/, `id: ${pick(['true', '1.5', '[1, 2]', '{}', 'null', 'ENUM', '1'])}`),
  (d) => d.replace(/if: [^)]*/, `if: ${pick(['"true"', '1', 'null', '$nothing', '[true]', '{}'])}`),
  (d) => d.replace('query Q', 'query Q($unused: Int)'),
  (d) => d.replace('query Q', `query Q($unused: ${pick(['User', 'Nothing', '[Device!]', 'Query'])})`),
  (d) => d.replace(/\$(v\d+): ([\w[\]!]+)/, '$$$1: $2, $$$1: $2'),
  (d) => d.replace(/\$(v\d+): ([\w[\]!]+)/, (_, name, type) => `$${name}: ${pick(['String', 'Int', 'Boolean', '[ID]', 'Float!', 'Gender', `[${type}]`])}`),
  (d) => d.replace(/(\$v\d+: [\w[\]!]+) = [^,)]*/, `$1 = ${pick(['null', '{}', '"x"', '[]', '1.5', 'X', 'true', '$v0'])}`),
  (d) => d.replace(/(\$v\d+: [\w[\]!]+)([,)])/, `$1 = ${pick(['null', '{}', '"x"', '[]', '1.5', 'X', 'true', '1'])}$2`),
  (d) => `${d}\nfragment Unused on User { id }`,
  (d) => `${d}\nfragment F0 on Device { id }`,
  (d) => d.replace(/\{/, '{ ...Nothing '),
  (d) => `${d.replace(/\{/, '{ ...Loop ')}\nfragment Loop on Query { me { id } ...Loop }`,
  (d) => d.replace(/ on (\w+)/, ` on ${pick(['Device', 'Gender', 'Nothing', 'CreateChildUserInput', 'User', 'Query'])}`),
  (d) => d.replace(/\{/, `{ ... on ${pick(['Device', 'Mutation', 'User', 'Query', 'ID'])} { __typename } `),
  (d) => d.replace(/\{ /, `{ same: __typename same: me { id } `),
  (d) => d.replace(/\{ /, `{ me { same: id same: ${pick(['firstName', 'id', 'email', 'createdAt'])} } `),
  (d) => d.replace(/\{ /, `{ same: childUser(id: 1) { id } same: childUser(id: ${pick(['1', '2', '"1"'])}) { id } `),
  (d) => d.replace(/\{ /, `{ __typename @${pick(['nothing', 'deprecated', 'auth', 'include', 'skip(if: true) @skip(if: true)', 'include(if: true) @skip(if: false)', 'specifiedBy(url: "x")', 'oneOf'])} `),
  (d) => d.replace('query Q', `query Q @${pick(['skip(if: true)', 'nothing', 'deprecated'])}`),
  (d) => `${d}\nquery Q { __typename }`,
  (d) => `${d}\n{ __typename }`,
  (d) => d.replace(/\}\s*$/, ''),
  (d) => d.replace(/\{/, '{{'),
  (d) => d.replace(/"/, "'"),
  (d) => d.replace(/: /, ' :: '),
  (d) => d.slice(0, below(d.length)),
];

function draw() {
  const drawn = chance(0.25) ? change() : query();
  if (chance(0.35)) drawn.query = pick(broken)(drawn.query);
  return drawn;
}

// ---- Comparison --------------------------------------------------------------

// judge is graphql-js's answer: the verdict, and for a valid document the result.
function judge({ query, variables, operationName }) {
  let document;
  try {
    document = parse(query);
  } catch {
    return { verdict: 'syntax' };
  }
  if (validate(schema, document).length > 0) return { verdict: 'invalid' };
  return {
    verdict: 'valid',
    result: execute({ schema, document, variableValues: variables, operationName, fieldResolver: resolve, typeResolver: (v) => v.__typename }),
  };
}

// firstDifference names where two results part, the order of members included.
function firstDifference(ours, theirs, path = '$') {
  if (JSON.stringify(ours) === JSON.stringify(theirs)) return undefined;
  const both = [ours, theirs];
  if (both.some((v) => v === null || typeof v !== 'object') || Array.isArray(ours) !== Array.isArray(theirs)) {
    return `${path}: ${JSON.stringify(ours)} here, ${JSON.stringify(theirs)} in graphql-js`;
  }
  const [here, there] = both.map((v) => Object.keys(v).join(' '));
  if (here !== there) return `${path}: members ${here} here, ${there} in graphql-js`;
  for (const key of Object.keys(ours)) {
    const found = firstDifference(ours[key], theirs[key], `${path}.${key}`);
    if (found) return found;
  }
}

const verdicts = { GRAPHQL_PARSE_FAILED: 'syntax', GRAPHQL_VALIDATION_FAILED: 'invalid' };
const counts = { valid: 0, invalid: 0, syntax: 0, limited: 0, data: 0, errors: 0, disagreements: 0 };

for (let i = 0; i < documents; i++) {
  const request = draw();
  const answer = await post(request);
  const code = answer.errors?.[0].extensions?.code;
  if (/LIMIT|TOO_|COMPLEX|DEPTH/.test(code ?? '')) {
    counts.limited++;
    continue;
  }
  const expected = judge(request);
  const verdict = verdicts[code] ?? 'valid';
  counts[expected.verdict]++;
  const disagree = (why) => {
    counts.disagreements++;
    console.log(JSON.stringify({ why, request, errors: answer.errors, expected: expected.verdict, theirs: expected.result?.errors }));
  };
  if (verdict !== expected.verdict) {
    disagree('verdict');
    continue;
  }
  if (verdict !== 'valid') continue;
  const { result } = expected;
  // Here a null where none is allowed is an error of the request, not of a field alone.
  const isMisplacedNull = result.errors?.some((e) => /of non-null type .* must not be null/.test(e.message));
  if (isMisplacedNull && answer.data === undefined && code === 'INVALID_REQUEST_OR_MISSING_PARAMETERS') continue;
  if (result.errors) counts.errors++;
  if (result.data) counts.data++;
  const difference = firstDifference(answer.data ?? null, result.data ?? null);
  if (difference) disagree(difference);
  else if (Boolean(answer.errors) !== Boolean(result.errors)) disagree('errors');
  else if (answer.errors?.some((e) => e.extensions.code === 'INTERNAL')) disagree('internal');
}
console.log(JSON.stringify(counts));
