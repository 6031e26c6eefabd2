import react from '@vitejs/plugin-react';
import { defineConfig } from 'vite';

// The page and the API have one address in the browser: what is asked of /graphql, also by a
// socket, goes on to the server. A server takes sockets only from pages that it knows, so the
// proxy names the server's own address. Where the page has an address of its own, name that in
// ALLOWED_ORIGINS of the server instead.
const proxy = {
  '/graphql': { target: process.env.LUXBFF_URL ?? 'http://localhost:8080', ws: true, changeOrigin: true, rewriteWsOrigin: true },
};

export default defineConfig({ plugins: [react()], server: { proxy }, preview: { proxy } });
