import { createGraphiQLFetcher } from '@graphiql/toolkit';
import { Kind, parse } from 'graphql';
import { CloseCode, createClient } from 'graphql-ws';

const LONGEST_WAIT = 8000;

/**
 * Sends queries and mutations over HTTP and subscriptions over a WebSocket, both
 * to `url`. `feed` is told how the socket fares.
 */
export function createFetcher(url, feed) {
  const overHTTP = createGraphiQLFetcher({ url: url.href });
  return (asked, options) => {
    const operation = findOperation(asked);
    const request = { ...asked, operationName: operation ? operation.name?.value : asked.operationName };
    return operation?.operation === 'subscription'
      ? subscription(url, request, operation, options.headers, feed)
      : overHTTP(request, options);
  };
}

// Just after a change of tabs GraphiQL still tells the operation of the tab
// before. The text is what counts: with one operation in it there is no choice.
function findOperation({ query, operationName }) {
  try {
    const operations = parse(query).definitions.filter(({ kind }) => kind === Kind.OPERATION_DEFINITION);
    return operations.length === 1 ? operations[0] : operations.find(({ name }) => name?.value === operationName);
  } catch {
    return undefined; // The server says best what is wrong with the text.
  }
}

function subscription(url, request, operation, headers, feed) {
  const payload = { ...request, variables: { ...request.variables } };
  return {
    subscribe(sink) {
      const client = createClient({
        url: url.href.replace(/^http/, 'ws'),
        connectionParams: headers,
        retryAttempts: Infinity,
        retryWait: (tries) => new Promise((resolve) => setTimeout(resolve, Math.min(500 * 2 ** tries, LONGEST_WAIT))),
        shouldRetry: (reason) => reason.code !== CloseCode.Forbidden,
        on: { connecting: feed.connecting, connected: feed.connected, closed: feed.closed },
      });
      const end = () => {
        feed.ended();
        sink.complete();
      };
      const stop = client.subscribe(payload, {
        next(result) {
          resumeAfter(payload, operation, result);
          feed.received();
          sink.next(result);
        },
        error(reason) {
          sink.next({ errors: errorsOf(reason) });
          end();
        },
        complete: end,
      });
      return {
        unsubscribe() {
          stop();
          feed.ended();
        },
      };
    },
  };
}

// graphql-ws sends the same payload again on a new socket. With the cursor of
// the last event in `$after` the feed goes on where the old socket was cut.
function resumeAfter(payload, operation, result) {
  const takesAfter = operation.variableDefinitions?.some(({ variable }) => variable.name.value === 'after');
  const cursor = Object.values(result.data ?? {})[0]?.cursor;
  if (takesAfter && cursor) payload.variables.after = cursor;
}

// A refused operation comes as a list of GraphQL errors, a socket that is closed
// for good as a close event.
function errorsOf(reason) {
  if (Array.isArray(reason)) return reason;
  if (reason instanceof CloseEvent) return [{ message: `The server closed the socket: ${reason.code} ${reason.reason}`.trim() }];
  return [{ message: String(reason?.message ?? reason) }];
}
