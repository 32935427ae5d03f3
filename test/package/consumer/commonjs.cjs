const { join } = require('node:path');
const { pathToFileURL } = require('node:url');
const { startRuntime } = require('pitwall');
const { startWorkerPool } = require('pitwall/transports');
const { scenario } = require('./scenario.mjs');

scenario({ startRuntime, startWorkerPool }, pathToFileURL(join(__dirname, 'worker.mjs')));
