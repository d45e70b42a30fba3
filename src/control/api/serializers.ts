import SerializerSelector from "@fastify/fast-json-stringify-compiler";

const compileFor = SerializerSelector();

/**
 * Fastify's own serializers of answers, but one for all that look alike, compiled when something is first answered with it: it would
 * compile one for each status of each route, most of which are the same few errors, and with some hundred routes that is the better
 * part of control's start.
 */
export const sharedSerializers: SerializerSelector.SerializerFactory = (components, options) => {
  const compile = compileFor(components, options);
  const made = new Map<string, SerializerSelector.Serializer>();
  return (route) => {
    const key = shapeOf(route.schema);
    let serializer = made.get(key);
    if (serializer === undefined) {
      serializer = compiledOnUse(() => compile(route));
      made.set(key, serializer);
    }
    return serializer;
  };
};

function compiledOnUse(compile: () => SerializerSelector.Serializer): SerializerSelector.Serializer {
  let serializer: SerializerSelector.Serializer | undefined;
  return (answer) => {
    serializer ??= compile();
    return serializer(answer);
  };
}

/** Without what is only said of it. */
function shapeOf(schema: unknown): string {
  if (typeof schema !== "object" || schema === null) return JSON.stringify(schema);
  const shape: { description?: unknown } = { ...schema };
  delete shape.description;
  return JSON.stringify(shape);
}
