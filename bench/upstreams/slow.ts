import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';

/**
 * Takes as long for each picture as it was told, however many are asked for at once, and answers the
 * same document to all.
 * Arguments: the port to listen on, the file of the document, and the milliseconds.
 */
const [port, file = '', milliseconds] = process.argv.slice(2);
const document = readFileSync(file);
const headers = { 'content-type': 'application/json', 'content-length': document.length };

createServer({ requestTimeout: 0, keepAliveTimeout: 0 }, (request, response) => {
  request.resume();
  request.on('end', () => {
    setTimeout(() => response.writeHead(200, headers).end(document), Number(milliseconds));
  });
}).listen({ port: Number(port), host: '127.0.0.1', backlog: 4_096 });
