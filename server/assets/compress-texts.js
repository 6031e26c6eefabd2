import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { gunzipSync, gzipSync } from 'node:zlib';

// The server embeds a page compressed: a third of the size in the binary, and
// nothing left to compress while serving. Compressors differ between versions of
// Node, so a file whose text is the same stays as it was.
export function compressTexts() {
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
