import { defineConfig } from 'vite';
import { compressTexts } from '../../assets/compress-texts.js';

// GraphiQL's fonts come in every script, style and weight, inside the style sheet.
// The page shows upright Latin text; other scripts fall back to the system's fonts.
function keepLatinFonts() {
  return {
    name: 'keep-latin-fonts',
    enforce: 'pre',
    transform(css, id) {
      if (!/@graphiql\/react\/font\/.*\.css$/.test(id)) return undefined;
      const faces = css.match(/@font-face\s*{[^}]*}/g);
      return faces.filter((face) => face.includes('U+0000-00FF') && !face.includes('italic')).join('\n');
    },
  };
}

// Libraries made for server rendering mark files "use client", which says nothing here.
function dropDirectiveWarnings(level, log, handler) {
  if (log.code !== 'MODULE_LEVEL_DIRECTIVE') handler(level, log);
}

export default defineConfig({
  base: './',
  build: {
    outDir: '../dist',
    emptyOutDir: true,
    assetsDir: 'graphiql',
    assetsInlineLimit: 0,
    chunkSizeWarningLimit: 5000,
    reportCompressedSize: false,
    license: { fileName: 'graphiql/licenses.md' },
    modulePreload: { polyfill: false },
    rolldownOptions: { onLog: dropDirectiveWarnings },
  },
  worker: { format: 'es' },
  plugins: [keepLatinFonts(), compressTexts()],
});
