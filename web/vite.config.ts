import { defineConfig } from 'vite';

export default defineConfig({
  root: import.meta.dirname,
  build: {
    outDir: '../dist/web',
    emptyOutDir: true,
    // Everything is a file of its own, so that the content policy needs no exceptions.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
  },
  // `npx vite web` beside a `tenet serve`, for work on the app.
  server: { proxy: { '/api': 'http://127.0.0.1:8100' } },
});
