import { createApiReference } from '@scalar/api-reference';
import '@scalar/api-reference/style.css';
import './style.css';

const notice = document.querySelector('.notice');

// Nothing leaves this origin: no fonts, no proxy, no telemetry, no assistant.
const offline = {
  withDefaultFonts: false,
  proxyUrl: '',
  telemetry: false,
  agent: { disabled: true },
  mcp: { disabled: true },
  showDeveloperTools: 'never',
  hideClientButton: true,
};

async function start() {
  const answer = await fetch('./api/config.json', { cache: 'no-store' });
  if (!answer.ok) throw new Error(`the server answered ${answer.status}`);
  const { document: url, tryIt, token } = await answer.json();
  notice.remove();
  createApiReference('#app', {
    ...offline,
    url,
    servers: [{ url: location.origin }],
    hideTestRequestButton: !tryIt,
    persistAuth: false,
    authentication: {
      preferredSecurityScheme: 'bearer',
      securitySchemes: { bearer: { token }, accessToken: { value: token } },
    },
  });
}

start().catch((reason) => {
  notice.textContent = `The page could not start: ${reason.message}`;
});
