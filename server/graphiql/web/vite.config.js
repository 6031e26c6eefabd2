import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { defineConfig } from 'vite';

const outDir = '../dist';

// The server embeds the page compressed: a third of the size in the binary,
// and nothing left to compress while serving. Fonts are compressed already.
function compressTexts() {
  return {
    name: 'compress-texts',
    apply: 'build',
    closeBundle() {
      const folder = join(outDir, 'graphiql');
      for (const name of readdirSync(folder).filter((name) => /\.(js|css|svg|ttf|md)$/.test(name))) {
        const path = join(folder, name);
        writeFileSync(`${path}.gz`, gzipSync(readFileSync(path), { level: 9 }));
        rmSync(path);
      }
    },
  };
}

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
    outDir,
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
