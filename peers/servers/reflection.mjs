// Server reflection (grpc.reflection.v1) for connect-node, which brings none: the
// stream and the messages are the library's, the answers are the files as they are,
// one at a time.

import { toBinary } from "@bufbuild/protobuf";
import { FileDescriptorProtoSchema } from "@bufbuild/protobuf/wkt";
import { Code } from "@connectrpc/connect";

// reflection adds the service to a router. It tells of all that a registry has.
export function reflection(router, registry) {
  router.service(registry.getService("grpc.reflection.v1.ServerReflection"), {
    async *serverReflectionInfo(requests) {
      for await (const request of requests) {
        yield { originalRequest: request, messageResponse: answer(registry, request.messageRequest) };
      }
    },
  });
}

function answer(registry, { case: question, value }) {
  switch (question) {
    case "listServices": {
      const services = [...registry].filter(({ kind }) => kind === "service");
      return { case: "listServicesResponse", value: { service: services.map(({ typeName }) => ({ name: typeName })) } };
    }
    case "fileByFilename":
      return file(registry.getFile(value), value);
    case "fileContainingSymbol":
      return file(declaring(registry, value), value);
    default:
      return error(Code.Unimplemented, `no answer to ${question}`);
  }
}

// declaring returns the file of a symbol, or of what it is a part of.
function declaring(registry, symbol) {
  for (let name = symbol; name !== ""; name = name.slice(0, Math.max(name.lastIndexOf("."), 0))) {
    const found = registry.get(name);
    if (found) {
      return found.file;
    }
  }
}

function file(found, name) {
  if (!found) {
    return error(Code.NotFound, `${name} is not here`);
  }
  return {
    case: "fileDescriptorResponse",
    value: { fileDescriptorProto: [toBinary(FileDescriptorProtoSchema, found.proto)] },
  };
}

function error(errorCode, errorMessage) {
  return { case: "errorResponse", value: { errorCode, errorMessage } };
}
