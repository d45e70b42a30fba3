import type { ComponentChildren } from "preact";

/** Icons say nothing to screen readers: whatever holds one has a name of its own. */
function Icon({ children }: { readonly children: ComponentChildren }) {
  return (
    <svg
      viewBox="0 0 16 16"
      width="16"
      height="16"
      fill="none"
      stroke="currentColor"
      stroke-width="1.5"
      stroke-linecap="round"
      stroke-linejoin="round"
      aria-hidden="true"
    >
      {children}
    </svg>
  );
}

/** The mark: a porthole with the sea in it. The same drawing as favicon.svg, in the text's own colour. */
export function Mark({ size = 20 }: { readonly size?: number }) {
  return (
    <svg viewBox="0 0 16 16" width={size} height={size} aria-hidden="true" class="mark">
      <path
        fill="currentColor"
        fill-rule="evenodd"
        d="M8 0a8 8 0 1 1 0 16A8 8 0 0 1 8 0Zm0 3a5 5 0 1 0 0 10A5 5 0 0 0 8 3Z"
      />
      <path
        fill="currentColor"
        d="M3 8.6c1.2-1 2.3-1 3.4-.1s2.1.9 3.2 0 2.2-.9 3.39.1A5 5 0 0 1 3 8.6z"
        opacity=".6"
      />
    </svg>
  );
}

export const KeyboardIcon = () => (
  <Icon>
    <rect x="1" y="3.5" width="14" height="9" rx="1.5" />
    <path d="M4 6.25h0M6.7 6.25h0M9.3 6.25h0M12 6.25h0M4 8.25h0M12 8.25h0M5.5 10.25h5" />
  </Icon>
);

/** One key with Shift's arrow: keys that are sent, not the keyboard that sends them. */
export const KeyIcon = () => (
  <Icon>
    <rect x="1.75" y="1.75" width="12.5" height="12.5" rx="2" />
    <path d="M8 4.75 4.75 8.25h1.75v2.5h3v-2.5h1.75z" />
  </Icon>
);

export const ClipboardIcon = () => (
  <Icon>
    <path d="M5.5 2.75H4A1.25 1.25 0 0 0 2.75 4v9A1.25 1.25 0 0 0 4 14.25h8A1.25 1.25 0 0 0 13.25 13V4A1.25 1.25 0 0 0 12 2.75h-1.5" />
    <rect x="5.5" y="1.25" width="5" height="3" rx="1" />
    <path d="M5.5 7.5h5M5.5 10.5h3.5" />
  </Icon>
);

export const ViewIcon = () => (
  <Icon>
    <rect x="1.25" y="2.25" width="13.5" height="9" rx="1.25" />
    <path d="M8 11.25v2.5M5 13.75h6" />
  </Icon>
);

export const PowerIcon = () => (
  <Icon>
    <path d="M8 1.5v6M4.25 3.75a5.25 5.25 0 1 0 7.5 0" />
  </Icon>
);

export const EndIcon = () => (
  <Icon>
    <path d="m3.5 3.5 9 9m0-9-9 9" />
  </Icon>
);

export const PanIcon = () => (
  <Icon>
    <path d="M8 1.5v13M1.5 8h13M6 3.5l2-2 2 2M6 12.5l2 2 2-2M3.5 6l-2 2 2 2M12.5 6l2 2-2 2" />
  </Icon>
);

export const EyeIcon = () => (
  <Icon>
    <path d="M1.25 8S3.5 3.5 8 3.5 14.75 8 14.75 8 12.5 12.5 8 12.5 1.25 8 1.25 8Z" />
    <circle cx="8" cy="8" r="2" />
  </Icon>
);

export const ConsoleIcon = () => (
  <Icon>
    <rect x="1.25" y="2.25" width="13.5" height="11.5" rx="1.25" />
    <path d="m4 6 2.25 2L4 10M8 10.25h3.5" />
  </Icon>
);

export const ChevronIcon = ({ up = false }: { readonly up?: boolean }) => (
  <Icon>
    <path d={up ? "m4 10 4-4 4 4" : "m4 6 4 4 4-4"} />
  </Icon>
);

export const PenIcon = () => (
  <Icon>
    <path d="m10.75 2.5 2.75 2.75L5.5 13.25l-3.25.5.5-3.25zM9 4.25 11.75 7" />
  </Icon>
);

export const SearchIcon = () => (
  <Icon>
    <circle cx="7" cy="7" r="4.5" />
    <path d="m10.5 10.5 3.75 3.75" />
  </Icon>
);

export const CopyIcon = () => (
  <Icon>
    <rect x="5.25" y="5.25" width="8.5" height="8.5" rx="1.25" />
    <path d="M10.75 5.25V3.5a1.25 1.25 0 0 0-1.25-1.25H3.5A1.25 1.25 0 0 0 2.25 3.5v6a1.25 1.25 0 0 0 1.25 1.25h1.75" />
  </Icon>
);

/** The shapes of states: full, half, empty, struck. */
export type Shape = "full" | "half" | "empty" | "struck";

export function StateShape({ shape }: { readonly shape: Shape }) {
  return (
    <svg viewBox="0 0 12 12" width="12" height="12" aria-hidden="true">
      <circle
        cx="6"
        cy="6"
        r="4.5"
        fill={shape === "full" ? "currentColor" : "none"}
        stroke="currentColor"
        stroke-width="1.5"
      />
      {shape === "half" && <path d="M6 1.5a4.5 4.5 0 0 0 0 9z" fill="currentColor" />}
      {shape === "struck" && <path d="m3 9 6-6" stroke="currentColor" stroke-width="1.5" />}
    </svg>
  );
}

/** Bars, as on a telephone: how many stand is the statement, and a stroke through all means that nothing is heard. */
export function SignalBars({
  bars,
  struck = false,
}: {
  readonly bars: 0 | 1 | 2 | 3;
  readonly struck?: boolean;
}) {
  return (
    <svg viewBox="0 0 16 16" width="16" height="16" aria-hidden="true">
      {[1, 2, 3].map((bar) => (
        <rect
          key={bar}
          x={bar * 4 - 2}
          y={14 - bar * 4}
          width="3"
          height={bar * 4}
          rx="0.5"
          fill={bar <= bars ? "currentColor" : "none"}
          stroke="currentColor"
          stroke-opacity={bar <= bars ? 1 : 0.55}
        />
      ))}
      {struck && <path d="M2 2l12 12" stroke="currentColor" stroke-width="1.5" stroke-linecap="round" />}
    </svg>
  );
}
