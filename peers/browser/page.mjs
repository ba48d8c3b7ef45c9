// What a page does with the demo of another origin, whose address is in ?demo=: calls
// with fetch as Connect is spoken by hand, with the client of gRPC-Web, and with that
// of Connect. What it got goes to its own origin.

import { create, createFileRegistry, fromBinary, toBinary } from "@bufbuild/protobuf";
import { FileDescriptorSetSchema } from "@bufbuild/protobuf/wkt";
import { createClient } from "@connectrpc/connect";
import { createConnectTransport, createGrpcWebTransport } from "@connectrpc/connect-web";
import { GrpcWebClientBase, MethodDescriptor, MethodType } from "grpc-web";

const demo = new URLSearchParams(location.search).get("demo");
const greeter = `${demo}/rpcctl.demo.v1.Greeter`;
const lab = `${demo}/rpcctl.demo.v1.Lab`;
const json = { "Content-Type": "application/json", "Connect-Protocol-Version": "1" };

// By hand: the content type and the header make the browser ask first.
async function post() {
  const response = await fetch(`${greeter}/SayHello`, { method: "POST", headers: json, body: '{"name":"post"}' });
  return { status: response.status, type: response.headers.get("content-type"), body: await response.json() };
}

async function get() {
  const query = new URLSearchParams({ connect: "v1", encoding: "json", message: '{"name":"get"}' });
  const response = await fetch(`${greeter}/SayHello?${query}`);
  return { status: response.status, body: await response.json() };
}

async function failure() {
  const body = '{"code":5,"message":"not here"}';
  const response = await fetch(`${lab}/Fail`, { method: "POST", headers: json, body });
  return { status: response.status, body: await response.json() };
}

// Headers of the page's own go there, and headers and trailers of any name come back.
async function metadata() {
  const response = await fetch(`${lab}/Metadata`, {
    method: "POST",
    headers: { ...json, "X-Page": "one" },
    body: '{"headers":["x-page"],"setTrailers":[{"name":"x-end","text":"two"}]}',
  });
  const { entries } = await response.json();
  return {
    sent: entries.find(({ name }) => name === "x-page"),
    header: response.headers.get("x-page"),
    trailer: response.headers.get("trailer-x-end"),
  };
}

// A stream is frames: a byte of flags, four of size, and the message
// (https://connectrpc.com/docs/protocol#streaming-request).
async function stream() {
  const message = new TextEncoder().encode('{"name":"stream","count":3}');
  const frame = new Uint8Array(5 + message.length);
  new DataView(frame.buffer).setUint32(1, message.length);
  frame.set(message, 5);
  const response = await fetch(`${greeter}/StreamGreetings`, {
    method: "POST",
    headers: { ...json, "Content-Type": "application/connect+json" },
    body: frame,
  });
  const data = new Uint8Array(await response.arrayBuffer());
  const frames = [];
  for (let at = 0; at < data.length; ) {
    const size = new DataView(data.buffer).getUint32(at + 1);
    const text = new TextDecoder().decode(data.subarray(at + 5, at + 5 + size));
    frames.push({ flags: data[at], body: JSON.parse(text) });
    at += 5 + size;
  }
  return frames;
}

// A stream that has not ended: what came is there at once, and leaving ends the call.
async function abort() {
  const message = new TextEncoder().encode('{"n":0}');
  const leave = new AbortController();
  const frame = new Uint8Array(5 + message.length);
  new DataView(frame.buffer).setUint32(1, message.length);
  frame.set(message, 5);
  const response = await fetch(`${lab}/Count`, {
    method: "POST",
    headers: { ...json, "Content-Type": "application/connect+json" },
    body: frame,
    signal: leave.signal,
  });
  const { value } = await response.body.getReader().read();
  leave.abort();
  return { status: response.status, some: value.length > 0 };
}

// grpcWeb is the client of grpc-web, whose messages may be of any library.
async function grpcWeb(registry) {
  const client = new GrpcWebClientBase({ format: "binary" });
  const call = (service, { name, input, output }, request) => {
    const read = (bytes) => fromBinary(output, bytes);
    const method = new MethodDescriptor(
      `/${service.typeName}/${name}`, MethodType.UNARY, Object, Object, (m) => toBinary(input, m), read,
    );
    return client.unaryCall(demo + method.getName(), create(input, request), { "x-page": "web" }, method);
  };
  const { greeterService, labService } = services(registry);
  const { message } = await call(greeterService, greeterService.method.sayHello, { name: "grpc-web" });
  const error = await call(labService, labService.method.fail, { code: 5, message: "not here" }).catch((e) => e);
  return { message, error: { code: error.code, message: error.message } };
}

async function connectWeb(registry, transport) {
  const { greeterService, labService } = services(registry);
  const client = createClient(greeterService, transport);
  let trailer;
  const { message } = await client.sayHello({ name: "connect-web" });
  const streamed = [];
  for await (const reply of client.streamGreetings({ name: "connect-web", count: 3 })) {
    streamed.push(reply.message);
  }
  const setTrailers = [{ name: "x-end", value: { case: "text", value: "two" } }];
  await createClient(labService, transport).metadata({ setTrailers }, { onTrailer: (t) => (trailer = t.get("x-end")) });
  const error = await createClient(labService, transport).fail({ code: 5, message: "not here" }).catch((e) => e);
  return { message, streamed, trailer, error: { code: error.code, message: error.rawMessage } };
}

function services(registry) {
  return {
    greeterService: registry.getService("rpcctl.demo.v1.Greeter"),
    labService: registry.getService("rpcctl.demo.v1.Lab"),
  };
}

// all does everything and keeps what each part got, or why it got nothing.
async function all() {
  const set = new Uint8Array(await (await fetch("schema.binpb")).arrayBuffer());
  const registry = createFileRegistry(fromBinary(FileDescriptorSetSchema, set));
  const got = {};
  for (const part of [post, get, failure, metadata, stream, abort]) {
    got[part.name] = await part().catch(String);
  }
  got.grpcWeb = await grpcWeb(registry).catch(String);
  got.grpcWebOfConnect = await connectWeb(registry, createGrpcWebTransport({ baseUrl: demo })).catch(String);
  got.connect = await connectWeb(registry, createConnectTransport({ baseUrl: demo, useHttpGet: true })).catch(String);
  return got;
}

const got = await all().catch(String);
await fetch("result", { method: "POST", body: JSON.stringify(got) });
