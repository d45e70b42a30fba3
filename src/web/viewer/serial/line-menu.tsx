import { EyeIcon, PenIcon } from "../../ui/icons.tsx";
import { Menu } from "../../ui/menu.tsx";
import type { Line, Part } from "./line.ts";
import { nameOf, type SerialPage } from "./serial-page.ts";
import { serialWords } from "./words.ts";

const ID = "line";

/** Who is at the line, who of them writes, and how that changes. */
export function LineMenu({ page }: { readonly page: SerialPage }) {
  const { view, serial } = page;
  const line = serial.line.value;
  const part = serial.part.value;
  if (line === undefined || part === undefined) return null;
  // Alone and writing there is nothing to say and nobody to hand over to.
  if (part === "writes" && line.viewers.length === 1) return null;
  const { who } = serialWords.value;
  const says = whoWrites(line, part);

  return (
    <Menu
      id={ID}
      label={`${who}: ${says}`}
      face={
        <span class={`state ${part === "writes" ? "good" : "caution"}`}>
          {part === "writes" ? <PenIcon /> : <EyeIcon />}
          <span class="face-of-line">{says}</span>
        </span>
      }
      width={320}
      onToggle={view.menuToggled}
    >
      <h2>{who}</h2>
      <ul class="people">
        {line.viewers.map(({ viewer, mayWrite }) => (
          <Person key={viewer} page={page} line={line} viewer={viewer} mayWrite={mayWrite} />
        ))}
      </ul>
      <OwnPart page={page} line={line} part={part} />
    </Menu>
  );
}

function whoWrites(line: Line, part: Part): string {
  const { youWrite, nobodyWrites, writes } = serialWords.value;
  if (part === "writes") return youWrite;
  return line.writer === undefined ? nobodyWrites : writes(nameOf(line, line.writer));
}

interface PersonProps {
  readonly page: SerialPage;
  readonly line: Line;
  readonly viewer: number;
  readonly mayWrite: boolean;
}

function Person({ page: { serial }, line, viewer, mayWrite }: PersonProps) {
  const { writing, watching, looking, handOver } = serialWords.value;
  const name = nameOf(line, viewer);
  const isWriter = viewer === line.writer;

  return (
    <li>
      <span class="name">{name}</span>
      <span class="small soft">{isWriter ? writing : mayWrite ? watching : looking}</span>
      {line.writer === line.you && !isWriter && mayWrite && (
        <button
          type="button"
          class="button"
          popovertarget={ID}
          popovertargetaction="hide"
          onClick={() => serial.handOver(viewer)}
        >
          {handOver(name)}
        </button>
      )}
    </li>
  );
}

interface OwnPartProps {
  readonly page: SerialPage;
  readonly line: Line;
  readonly part: Part;
}

/** What this viewer can do about it. */
function OwnPart({ page: { serial }, line, part }: OwnPartProps) {
  const w = serialWords.value;
  const asking = serial.asking.value;
  const writer = nameOf(line, line.writer);

  switch (part) {
    case "writes":
      return (
        <button
          type="button"
          class="button"
          popovertarget={ID}
          popovertargetaction="hide"
          onClick={() => serial.handOver()}
        >
          {w.stopWriting}
        </button>
      );
    case "looks":
      return <p class="small soft">{w.youLook}</p>;
    case "watches":
    case "unwritten":
      if (asking === "waiting" && part === "watches")
        return (
          <>
            <p class="small soft">{w.waitingFor(writer)}</p>
            <button type="button" class="button" onClick={() => serial.withdraw()}>
              {w.takeBack}
            </button>
          </>
        );
      return (
        <>
          <p class="small soft" role="status">
            {asking === "refused" ? w.refusedBy(writer) : asking === "forbidden" ? w.notAllowed : ""}
          </p>
          <button type="button" class="button primary" onClick={() => serial.ask()}>
            {part === "unwritten" ? w.write : w.askToWrite}
          </button>
        </>
      );
    default:
      return part satisfies never;
  }
}
