// A server on grpc-js, whose reflection makes one file of each package, without the
// imports and with names relative to where they stand.
//
//   node grpc-js.mjs FOLDER-OF-PROTOS
//
// It prints its address when it takes calls.

import grpc from "@grpc/grpc-js";
import protoLoader from "@grpc/proto-loader";
import { ReflectionService } from "@grpc/reflection";

const loaded = protoLoader.loadSync("peers/library/v1/library.proto", {
  includeDirs: [process.argv[2]],
  keepCase: true,
  longs: String,
  enums: String,
});
const { Library } = grpc.loadPackageDefinition(loaded).peers.library.v1;

const closing = () => {
  const trailers = new grpc.Metadata();
  trailers.set("x-closing", "18:00");
  return trailers;
};

function giveBack(call, done) {
  const { book } = call.request;
  if (!book?.title) {
    const trailers = new grpc.Metadata();
    trailers.set("x-desk", "two");
    done({ code: grpc.status.INVALID_ARGUMENT, details: "the book has no title", metadata: trailers });
    return;
  }
  const headers = new grpc.Metadata();
  headers.set("x-desk", "one");
  call.sendMetadata(headers);
  const copies = { ...book.copies, returned: (book.copies?.returned ?? 0) + 1 };
  done(null, { book: { ...book, copies } }, closing());
}

function browse(call) {
  const { subject, count } = call.request;
  for (let i = 1; i <= count; i++) {
    call.write({ title: `${subject.replace("SUBJECT_", "")} ${i}`, page_count: i, subjects: [subject] });
  }
  call.end(closing());
}

const server = new grpc.Server();
server.addService(Library.service, { return: giveBack, browse });
new ReflectionService(loaded).addToServer(server);
server.bindAsync("127.0.0.1:0", grpc.ServerCredentials.createInsecure(), (error, port) => {
  if (error) {
    throw error;
  }
  console.log(`127.0.0.1:${port}`);
});
