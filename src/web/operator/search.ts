import { type Signal, useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import type { PartOf } from "./api.ts";
import type { Loaded } from "./loaded.ts";
import { useRefresh } from "./refresh.ts";

const limits = {
  /** Between two letters of a filter that control has to look for. */
  searchMs: 300,
} as const;

interface Search<Item> {
  readonly list: Loaded<PartOf<Item>>;
  readonly fetchPart: (keyword: string) => Promise<PartOf<Item>>;
  readonly refreshMs: number;
}

/** A filter over a list that is kept fresh. Where not all of it is here, control looks for the filter's words as well. */
export function useSearch<Item>({ list, fetchPart, refreshMs }: Search<Item>): {
  readonly filter: Signal<string>;
  readonly load: () => void;
} {
  const filter = useSignal("");
  const keyword = useSignal("");
  const load = () => void list.load(() => fetchPart(keyword.peek()));
  useRefresh(load, refreshMs);
  const data = list.data.value;
  const isPart = data !== undefined && (!data.complete || keyword.value !== "");
  useEffect(() => {
    if (!isPart || filter.value.trim() === keyword.value) return;
    const timer = setTimeout(() => {
      keyword.value = filter.value.trim();
      load();
    }, limits.searchMs);
    return () => clearTimeout(timer);
  }, [filter.value, isPart]);
  return { filter, load };
}
