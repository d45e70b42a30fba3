/** Makes a row of a statement's answer from its values, in the order of its columns. */
export type RowMaker<Value> = (values: readonly Value[]) => Record<string, Value>;

/**
 * Makes rows by an object literal that names the statement's columns. A loop over the names takes fifty times as long where
 * statements of many shapes pass through it, which is most of the time of a large answer. What is compiled is nothing but
 * the names, as strings.
 */
export function rowMaker<Value>(names: readonly string[]): RowMaker<Value> {
  const properties = names.map((name, index) => `${JSON.stringify(name)}: values[${index}]`);
  return new Function("values", `return { ${properties.join(", ")} };`) as RowMaker<Value>;
}
