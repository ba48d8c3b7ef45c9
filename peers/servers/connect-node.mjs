// A Connect server on Node: Connect, gRPC and gRPC-Web, over HTTP/1.1 on one port, over
// HTTP/2 in cleartext on another, and over both with TLS on a third.
//
//   node connect-node.mjs DESCRIPTOR-SET CERTIFICATE KEY
//
// It prints the addresses in one line when it takes calls.

import http from "node:http";
import http2 from "node:http2";
import { readFileSync } from "node:fs";
import { createFileRegistry, fromBinary } from "@bufbuild/protobuf";
import { FileDescriptorSetSchema } from "@bufbuild/protobuf/wkt";
import { Code, ConnectError } from "@connectrpc/connect";
import { compressionBrotli, compressionGzip, connectNodeAdapter } from "@connectrpc/connect-node";
import { reflection } from "./reflection.mjs";

const [set, cert, key] = process.argv.slice(2).map((name) => readFileSync(name));
const registry = createFileRegistry(fromBinary(FileDescriptorSetSchema, set));
const subjects = registry.getEnum("peers.catalog.v1.Subject");

const library = {
  return({ book }, context) {
    if (!book?.title) {
      throw new ConnectError("the book has no title", Code.InvalidArgument, { "x-desk": "two" });
    }
    book.copies.returned = (book.copies.returned ?? 0) + 1;
    context.responseHeader.set("x-desk", "one");
    context.responseTrailer.set("x-closing", "18:00");
    return { book };
  },

  async *browse({ subject, count }, context) {
    context.responseTrailer.set("x-closing", "18:00");
    for (let i = 1; i <= count; i++) {
      yield { title: `${subjects.value[subject].localName} ${i}`, pageCount: BigInt(i), subjects: [subject] };
    }
  },
};

const handler = connectNodeAdapter({
  acceptCompression: [compressionGzip, compressionBrotli],
  routes(router) {
    router.service(registry.getService("peers.library.v1.Library"), library);
    reflection(router, registry);
  },
});

function listen(server) {
  return new Promise((resolve) => {
    server.listen(0, "127.0.0.1", () => resolve(`127.0.0.1:${server.address().port}`));
  });
}

console.log(
  await listen(http.createServer(handler)),
  await listen(http2.createServer(handler)),
  await listen(http2.createSecureServer({ cert, key, allowHTTP1: true }, handler)),
);
