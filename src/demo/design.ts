/** Where everything stands on the demo machine's screen, in pixels from its top left corner. */
export const LAYOUT = {
  width: 800,
  height: 600,
  title: { text: "Porthole demo machine", x: 40, y: 34, scale: 2 },
  subtitle: { text: "There is no computer here, only its console.", x: 41, y: 76 },
  clock: { x: 38, y: 128, scale: 3 },
  date: { x: 41, y: 190 },
  porthole: { x: 652, y: 152, radius: 96, ringRadius: 120 },
  hint: { text: "Type a line and press Enter: the machine copies it.", x: 41, y: 264 },
  panel: { x: 32, y: 292, width: 736, height: 260 },
  /** Of the panel, what the terminal writes on. */
  terminal: { x: 49, y: 305, columns: 78, rows: 13 },
  status: { x: 41, y: 564, columns: 80 },
} as const;

export const PALETTE = {
  text: 0xeaf6fb,
  muted: 0x8fb4c7,
  accent: 0x7fd4ee,
  waterSurface: 0x0d4668,
  waterDeep: 0x03131f,
  waterLit: 0x2a86ad,
  ringDark: 0x4a3a22,
  ringLight: 0xe9cf98,
  panel: 0x041722,
  panelLine: 0x1c5674,
} as const;
