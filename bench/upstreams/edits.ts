import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';

/**
 * Takes edits as fast as they come: reads each body to its end, keeps none of it, and answers the
 * same document to all. A GET tells what has come so far.
 * Arguments: the port to listen on, and the file of the document.
 */
const [port, file = ''] = process.argv.slice(2);
const document = readFileSync(file);
let edits = 0;
let bytes = 0;

createServer({ requestTimeout: 0 }, (request, response) => {
  if (request.method === 'GET') {
    response.end(JSON.stringify({ edits, bytes }));
    return;
  }
  request.on('data', (piece: Buffer) => {
    bytes += piece.length;
  });
  request.on('end', () => {
    edits += 1;
    const headers = { 'content-type': 'application/json', 'content-length': document.length };
    response.writeHead(200, headers).end(document);
  });
}).listen(Number(port), '127.0.0.1');
