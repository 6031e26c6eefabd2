import { DOC_EXPLORER_PLUGIN } from '@graphiql/plugin-doc-explorer';
import { explorerPlugin } from '@graphiql/plugin-explorer';
import { HISTORY_PLUGIN } from '@graphiql/plugin-history';
import { ToolbarButton, useGraphiQL } from '@graphiql/react';
import { GraphiQL } from 'graphiql';
import { useEffect } from 'react';
import { createRoot } from 'react-dom/client';
import '@graphiql/react/font/roboto.css';
import '@graphiql/react/font/fira-code.css';
import '@graphiql/react/style.css';
import '@graphiql/plugin-doc-explorer/style.css';
import '@graphiql/plugin-explorer/style.css';
import '@graphiql/plugin-history/style.css';
import 'graphiql/graphiql.css';
import { FeedStatus, createFeed } from './feed.jsx';
import { createFetcher } from './fetcher.js';
import { createStorage, openTabs, restoreSamples } from './storage.js';
import './style.css';
import './workers.js';

const WIDE = '(min-width: 1100px)';
// How wide a column starts in proportion to what stands right of it, by the name
// under which GraphiQL remembers where a person moved the border.
const COLUMNS = { docExplorerFlex: '0.22', editorFlex: '1.15' };

const PLUGINS = [HISTORY_PLUGIN, explorerPlugin()];

function SamplesIcon() {
  return (
    <svg className="graphiql-toolbar-icon" viewBox="0 0 16 16" fill="none" stroke="currentColor" strokeWidth="1.4" strokeLinecap="round" strokeLinejoin="round" aria-hidden="true">
      <path d="M8 1.5 14.5 5 8 8.5 1.5 5Z M1.5 8.2 8 11.7l6.5-3.5 M1.5 11.2 8 14.7l6.5-3.5" />
    </svg>
  );
}

// The samples begin with a comment, which is prose and wants to be read whole.
function WrapLongLines() {
  const editor = useGraphiQL((state) => state.queryEditor);
  useEffect(() => {
    editor?.updateOptions({ wordWrap: 'on' });
  }, [editor]);
  return null;
}

function App({ config }) {
  const headers = Object.keys(config.headers).length > 0 ? JSON.stringify(config.headers, null, 2) : '';
  const storage = createStorage(config.headers);
  const { firstVisit, active } = openTabs(storage, config.tabs, headers);
  if (firstVisit) Object.entries(COLUMNS).forEach(([name, width]) => storage.setItem(`graphiql:${name}`, width));
  const feed = createFeed();
  const showSamples = () => {
    restoreSamples(storage, config.tabs, headers);
    storage.seal();
    location.reload();
  };
  return (
    <GraphiQL
      fetcher={createFetcher(new URL(config.endpoint, location.href), feed)}
      storage={storage}
      shouldPersistHeaders
      defaultHeaders={headers}
      initialQuery={active?.query ?? ''}
      initialVariables={active?.variables ?? ''}
      initialHeaders={active?.headers ?? headers}
      inputValueDeprecation
      schemaDescription
      plugins={PLUGINS}
      visiblePlugin={firstVisit && matchMedia(WIDE).matches ? DOC_EXPLORER_PLUGIN : undefined}
    >
      <GraphiQL.Logo>
        <span className="logo">
          lux<em>bff</em>
        </span>
      </GraphiQL.Logo>
      <GraphiQL.Toolbar>
        {({ prettify, copy, merge }) => (
          <>
            {prettify}
            {merge}
            {copy}
            <ToolbarButton label="Bring back the sample operations" onClick={showSamples}>
              <SamplesIcon />
            </ToolbarButton>
          </>
        )}
      </GraphiQL.Toolbar>
      <WrapLongLines />
      <GraphiQL.Footer>
        <FeedStatus feed={feed} />
      </GraphiQL.Footer>
    </GraphiQL>
  );
}

async function start() {
  const answer = await fetch('./graphiql/config.json', { cache: 'no-store' });
  if (!answer.ok) throw new Error(`the server answered ${answer.status}`);
  const config = await answer.json();
  createRoot(document.getElementById('root')).render(<App config={config} />);
}

start().catch((reason) => {
  document.querySelector('.notice').textContent = `GraphiQL could not start: ${reason.message}`;
});
