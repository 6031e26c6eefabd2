import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { gunzipSync, gzipSync } from 'node:zlib';
import { defineConfig } from 'vite';

// The server embeds the page compressed: a third of the size in the binary, and
// nothing left to compress while serving. Compressors differ between versions of
// Node, so a file whose text is the same stays as it was.
function compressTexts() {
  const before = new Map();
  let folder;
  return {
    name: 'compress-texts',
    apply: 'build',
    configResolved({ root, build }) {
      folder = resolve(root, build.outDir, build.assetsDir);
      if (!existsSync(folder)) return;
      for (const name of readdirSync(folder)) before.set(name, readFileSync(join(folder, name)));
    },
    closeBundle() {
      for (const name of readdirSync(folder).filter((name) => /\.(js|css|svg|ttf|md)$/.test(name))) {
        const text = readFileSync(join(folder, name));
        const packed = before.get(`${name}.gz`);
        const same = packed && gunzipSync(packed).equals(text);
        writeFileSync(join(folder, `${name}.gz`), same ? packed : gzipSync(text, { level: 9 }));
        rmSync(join(folder, name));
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
