import { buildHTTPExecutor } from '@graphql-tools/executor-http';
import { parse } from 'graphql';
import { family, run } from './journey.js';

function executor(token, options = {}) {
  return buildHTTPExecutor({ endpoint: family.url, headers: token ? { Authorization: `Bearer ${token}` } : {}, ...options });
}

const codes = (errors) => errors?.map((e) => e.extensions.code) ?? [];

// subscriber reads the stream until it is left.
function subscriber(execute) {
  return (document, variables, sink) => {
    let iterator;
    let left = false;
    const read = async () => {
      const events = await execute({ document: parse(document), variables });
      if (!events[Symbol.asyncIterator]) return sink.error(new Error(`no stream but ${JSON.stringify(events)}`));
      iterator = events[Symbol.asyncIterator]();
      for (let step = await iterator.next(); !step.done; step = await iterator.next()) {
        if (step.value.errors) return sink.error(step.value.errors[0]);
        sink.next(step.value.data);
      }
      sink.complete();
    };
    read().catch((e) => left || sink.error(e));
    return () => {
      left = true;
      iterator.return();
    };
  };
}

function executeWith(options) {
  return async (document, variables, token) => {
    const result = await executor(token, options)({ document: parse(document), variables });
    return { data: result.data, codes: codes(result.errors) };
  };
}

await run({ execute: executeWith({}) }, { 'server-sent events': subscriber(executor(family.token)) });
await run({ execute: executeWith({ useGETForQueries: true }) }, {});
