import { useEffect, useRef } from "preact/hooks";
import { words } from "./words.ts";

/** Looks for words in what is listed below: / leads to it, and the arrow down from it. */
export function FilterField({
  label,
  value,
  onChange,
}: {
  readonly label: string;
  readonly value: string;
  readonly onChange: (text: string) => void;
}) {
  const field = useRef<HTMLInputElement>(null);
  useEffect(() => {
    const toField = (event: KeyboardEvent) => {
      const typing = event.target instanceof Element && event.target.matches("input, textarea, select");
      if (event.key !== "/" || typing || event.ctrlKey || event.metaKey || event.altKey) return;
      event.preventDefault();
      field.current?.focus();
    };
    document.addEventListener("keydown", toField);
    return () => document.removeEventListener("keydown", toField);
  }, []);

  return (
    <input
      ref={field}
      type="search"
      class="field filter"
      aria-label={label}
      placeholder={label}
      title={words.value.filterHint}
      value={value}
      onInput={(event) => onChange(event.currentTarget.value)}
      onKeyDown={(event) => {
        if (event.key !== "ArrowDown") return;
        event.preventDefault();
        event.currentTarget.closest("section, main")?.querySelector<HTMLElement>("[data-walkable]")?.focus();
      }}
    />
  );
}
