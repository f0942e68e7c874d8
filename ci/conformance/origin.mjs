// The suite's origin on a free port of the loopback address, wherever it would listen by itself: origin.mjs SERVER
import http from 'node:http'
import { pathToFileURL } from 'node:url'

const { listen } = http.Server.prototype
http.Server.prototype.listen = function () {
  return listen.call(this, 0, '127.0.0.1')
}
await import(pathToFileURL(process.argv[2]))
