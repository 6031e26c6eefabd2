import { StrictMode, useCallback, useState } from 'react';
import { createRoot } from 'react-dom/client';
import { forgetTokens, storedTokens, storeTokens } from './client.js';
import { Home } from './Home.jsx';
import { SignIn } from './SignIn.jsx';

function App() {
  const [isSignedIn, setSignedIn] = useState(() => storedTokens() !== null);
  const signedIn = useCallback((tokens) => {
    storeTokens(tokens);
    setSignedIn(true);
  }, []);
  const signedOut = useCallback(() => {
    forgetTokens();
    setSignedIn(false);
  }, []);
  return isSignedIn ? <Home onSignedOut={signedOut} /> : <SignIn onSignedIn={signedIn} />;
}

createRoot(document.getElementById('app')).render(
  <StrictMode>
    <App />
  </StrictMode>,
);
