import { StrictMode, useCallback, useState } from 'react';
import { createRoot } from 'react-dom/client';
import { Home } from './Home.jsx';
import { forget, resume } from './session.js';
import { SignIn } from './SignIn.jsx';

function App() {
  const [session, setSession] = useState(resume);
  const signedOut = useCallback(() => {
    forget();
    setSession(null);
  }, []);
  return session ? <Home session={session} onSignedOut={signedOut} /> : <SignIn onSignedIn={setSession} />;
}

createRoot(document.getElementById('app')).render(
  <StrictMode>
    <App />
  </StrictMode>,
);
