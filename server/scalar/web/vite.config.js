import { defineConfig } from 'vite';
import { compressTexts } from '../../assets/compress-texts.js';

export default defineConfig({
  base: './',
  build: {
    outDir: '../dist',
    emptyOutDir: true,
    assetsDir: 'api',
    assetsInlineLimit: 0,
    chunkSizeWarningLimit: 5000,
    reportCompressedSize: false,
    license: { fileName: 'api/licenses.md' },
    modulePreload: { polyfill: false },
    // Scalar loads each of its two hundred icons as a file; here they are one.
    rolldownOptions: { output: { codeSplitting: { groups: [{ name: 'icons', test: /\.svg/ }] } } },
  },
  plugins: [compressTexts()],
});
