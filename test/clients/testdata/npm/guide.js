// The guides import this file from beside their own.
export * from '../../../../examples/web/src/guide.js';
