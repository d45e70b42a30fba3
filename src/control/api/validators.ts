import AjvCompiler from "@fastify/ajv-compiler";

type CompilerOf = AjvCompiler.BuildCompilerFromPool;
type Validator = ReturnType<ReturnType<CompilerOf>>;

const compilerOf = AjvCompiler();

/**
 * Fastify's own validators of what is asked, each compiled when its route is first asked something: control has some hundred routes
 * when it starts, and most are never used. What compiles them compiles the schema of schemas first, and is made with the first of them.
 */
export const validatorsOnUse: CompilerOf = (components, options) => {
  let compile: ReturnType<CompilerOf> | undefined;
  return (...route) =>
    compiledOnUse(() => {
      compile ??= compilerOf(components, options);
      return compile(...route);
    });
};

function compiledOnUse(compile: () => Validator): Validator {
  let validator: Validator | undefined;
  const onUse = (value: unknown): unknown => {
    validator ??= compile();
    const isValid = validator(value);
    onUse.errors = validator.errors;
    return isValid;
  };
  onUse.errors = undefined as Validator["errors"];
  // All that Fastify asks of a validator is to be called, and its errors.
  return onUse as Validator;
}
