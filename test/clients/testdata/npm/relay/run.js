// Runs what relay-compiler made of the screens with Relay's own runtime: the store
// takes the objects in, and a change of one shows wherever it is read.
import assert from 'node:assert/strict';
import { createClient } from 'graphql-ws';
import Relay from 'relay-runtime';
import WebSocket from 'ws';
import childName from './__generated__/screensChildNameQuery.graphql.js';
import device from './__generated__/screensDevice.graphql.js';
import feed from './__generated__/screensFeedSubscription.graphql.js';
import history from './__generated__/screensHistoryQuery.graphql.js';
import home from './__generated__/screensHomeQuery.graphql.js';
import rename from './__generated__/screensRenameMutation.graphql.js';
import upload from './__generated__/screensUploadMutation.graphql.js';

const family = JSON.parse(process.env.FAMILY);
const { url, token } = family;

const socket = createClient({
  url: url.replace(/^http/, 'ws'),
  webSocketImpl: WebSocket, // in Node alone
  connectionParams: () => ({ Authorization: `Bearer ${token}` }),
});

// Of a document that the compiler has persisted the app holds the id alone. The client of
// graphql-ws sends nothing without a query, so that is empty.
const named = ({ id, text }) => (id ? { documentId: id, query: '' } : { query: text });

async function send(request, variables) {
  const answer = await fetch(url, {
    method: 'POST',
    headers: {
      Accept: 'application/graphql-response+json; charset=utf-8, application/json; charset=utf-8',
      Authorization: `Bearer ${token}`,
      'Content-Type': 'application/json',
    },
    body: JSON.stringify({ ...named(request), variables }),
  });
  return answer.json();
}

function follow(request, variables) {
  return Relay.Observable.create((sink) => socket.subscribe({ operationName: request.name, ...named(request), variables }, sink));
}

const environment = new Relay.Environment({
  network: Relay.Network.create(send, follow),
  store: new Relay.Store(new Relay.RecordSource()),
  getDataID: (record) => record.globalId,
});
const read = (query, variables) => Relay.fetchQuery(environment, query, variables).toPromise();

function commit(mutation, variables) {
  return new Promise((resolve, reject) =>
    Relay.commitMutation(environment, {
      mutation,
      variables,
      onCompleted: (data, errors) => (errors ? reject(new Error(JSON.stringify(errors))) : resolve(data)),
      onError: reject,
    }),
  );
}

const globalId = (type, id) => Buffer.from(`${type}:${id}`).toString('base64url');

// deviceInStore reads the device's fragment out of the store, as a component does.
function deviceInStore() {
  const selector = Relay.getSingularSelector(device, {
    __id: globalId('Device', family.deviceId),
    __fragments: { [device.name]: {} },
    __fragmentOwner: Relay.createOperationDescriptor(home, {}).request,
  });
  return environment.lookup(selector).data;
}

const shown = await read(home, {});
assert.equal(shown.me.id, family.id);
assert.deepEqual(shown.childUsers.map((c) => c.id), [family.childId]);
assert.equal(deviceInStore().deviceAlias, '');

await commit(rename, { input: { deviceId: family.deviceId, childUserId: family.childId, deviceAlias: 'left knee' } });
assert.equal(deviceInStore().deviceAlias, 'left knee');

const told = Promise.withResolvers?.() ?? {};
told.promise ??= new Promise((resolve, reject) => Object.assign(told, { resolve, reject }));
const following = Relay.requestSubscription(environment, {
  subscription: feed,
  variables: {},
  onNext: told.resolve,
  onError: told.reject,
});
assert.equal((await fetch(`${family.control}/subscribers/1`)).status, 200);
await commit(upload, {
  input: {
    logs: [
      {
        childUserId: family.childId,
        deviceId: family.deviceId,
        uniqueId: family.uniqueId,
        treatmentDate: '2025-02-21T15:48:49',
        finishFlag: 'BUTTON_SHUTDOWN',
        lastIntensity: 3,
        treatmentTime: 600,
        logFileId: 7,
      },
    ],
  },
});
const event = (await told.promise).devlogStatus;
assert.deepEqual([event.change, event.devlog.logFileId], ['COMPLETED', 7]);
assert.equal(deviceInStore().lastLogFileId, 7);
following.dispose();

const page = await read(history, { id: family.childId, count: 10 });
assert.deepEqual(page.childUser.devlogs.edges.map((e) => e.node.logFileId), [7]);

// What @refetchable asks for finds the child by its globalId, and nothing by another family's.
const again = await send(childName.params, { globalId: globalId('ChildUser', family.childId) });
assert.ok(again.data, JSON.stringify(again));
assert.deepEqual([again.data.node.__typename, again.data.node.globalId], ['ChildUser', globalId('ChildUser', family.childId)]);
assert.equal((await send(childName.params, { globalId: globalId('User', 999999) })).errors[0].extensions.code, 'NOT_AUTHORIZED_USER');
await socket.dispose();
console.log('the screens are shown');
