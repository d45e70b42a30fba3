import { type ColumnDefinitionNode, type DataTypeNode, PostgresQueryCompiler } from "kysely";

/**
 * Text is compared byte by byte, as SQLite and JavaScript's `Buffer.compare` do it, whatever language the database was
 * made for: lists are cut into pages by comparing, so every part of control has to agree on the order. It is also the
 * cheapest way to compare.
 */
export class BytewiseQueryCompiler extends PostgresQueryCompiler {
  #isColumn = false;

  protected override visitColumnDefinition(node: ColumnDefinitionNode): void {
    this.#isColumn = true;
    super.visitColumnDefinition(node);
    this.#isColumn = false;
  }

  protected override visitDataType(node: DataTypeNode): void {
    super.visitDataType(node);
    if (this.#isColumn && node.dataType === "text") this.append(' collate "C"');
    this.#isColumn = false;
  }
}
